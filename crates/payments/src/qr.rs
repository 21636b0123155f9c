//! QR codes as SVG: one path, no styles, so that a strict content security policy lets it through.

use fast_qr::{ECL, QRBuilder};

/// Light modules around the code, as the standard wants them.
const QUIET: usize = 4;
/// Longest text: far above any payment URI, far below what scanners give up on.
const MAX_TEXT: usize = 600;

/// The SVG of a text; none when it is too long. Dark modules have the current colour, so set a light background behind it.
pub fn svg(text: &str) -> Option<String> {
    if text.len() > MAX_TEXT {
        return None;
    }
    let code = QRBuilder::new(text).ecl(ECL::M).build().ok()?;
    let side = code.size + 2 * QUIET;
    let mut path = String::new();
    for y in 0..code.size {
        let mut x = 0;
        while x < code.size {
            let run = (x..code.size).take_while(|x| code[y][*x].value()).count();
            if run > 0 {
                path.push_str(&format!("M{} {}h{run}v1h-{run}z", x + QUIET, y + QUIET));
            }
            x += run.max(1);
        }
    }
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/><path d=\"{path}\"/></svg>"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_a_square_of_modules_with_a_quiet_zone() {
        let svg = svg("bitcoin:bcrt1q?amount=1").unwrap();
        // Version 2 has 25 modules; the finder pattern's top edge is seven dark modules in the corner.
        assert!(svg.contains("viewBox=\"0 0 33 33\"") && svg.contains("M4 4h7v1h-7z"), "{svg}");
        assert!(!svg.contains("style"));
        assert!(super::svg(&"x".repeat(MAX_TEXT + 1)).is_none());
    }
}
