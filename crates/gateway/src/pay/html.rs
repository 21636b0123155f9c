//! The page's HTML. Everything that comes from an invoice goes through [`escape`].

use super::state::{OptionView, View};
use quorate_coordination::api::InvoiceState;
use std::fmt::Write;

/// Text as it may stand in HTML, in attributes too.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A whole document around `main`.
fn document(title: &str, main: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"robots\" content=\"noindex\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{}</title>\n<link rel=\"icon\" href=\"/pay/assets/icon.svg\" type=\"image/svg+xml\">\n\
         <link rel=\"stylesheet\" href=\"/pay/assets/base.css\">\n<link rel=\"stylesheet\" href=\"/pay/assets/pay.css\">\n\
         <script src=\"/pay/assets/pay.js\" defer></script>\n</head>\n<body>\n{main}\n</body>\n</html>\n",
        escape(title)
    )
}

/// The page of an invoice that there is not.
pub fn missing(detail: &str) -> String {
    let main = format!(
        "<main class=\"card\" data-kind=\"missing\"><header class=\"status\" data-tone=\"quiet\"><h1>No such payment</h1>\
         <p>{}</p></header></main>",
        escape(detail)
    );
    document("No such payment", &main)
}

/// How a state looks.
fn tone(view: &View) -> &'static str {
    match view.state {
        InvoiceState::Paid | InvoiceState::Overpaid => "good",
        InvoiceState::PartiallyPaid if view.pending => "busy",
        InvoiceState::Late | InvoiceState::PartiallyPaid => "warn",
        InvoiceState::Expired | InvoiceState::Cancelled => "quiet",
        InvoiceState::Open if view.pending => "busy",
        InvoiceState::Open => "open",
    }
}

/// Whether anything is asked for: not while what is missing is on its way, or somebody pays twice.
fn asks(view: &View) -> bool {
    view.payable && !view.pending
}

/// The page of an invoice.
pub fn page(view: &View) -> String {
    let mut main = String::new();
    let description = view.description.as_deref().unwrap_or("Payment");
    // Writing to a string cannot fail.
    let _ = write!(
        main,
        "<main class=\"card\" data-path=\"{path}\" data-expires=\"{expires}\" data-now=\"{now}\" data-payable=\"{payable}\">\
         <p class=\"payee\">{payee}</p><h1 class=\"what\">{description}</h1>\
         <header class=\"status\" role=\"status\" aria-live=\"polite\" data-tone=\"{tone}\">\
         <span class=\"mark\" aria-hidden=\"true\"></span><div><h2 data-field=\"title\">{title}</h2>\
         <p data-field=\"text\">{text}</p></div></header>",
        path = escape(&view.path),
        expires = view.expires,
        now = view.now,
        payable = view.payable,
        payee = escape(&view.payee),
        description = escape(description),
        tone = tone(view),
        title = escape(&view.title),
        text = escape(&view.text),
    );
    let _ = write!(
        main,
        "<p class=\"time\" data-field=\"time\"{hidden}>Pay within <time data-field=\"countdown\" datetime=\"PT{left}S\" \
         role=\"timer\" aria-live=\"off\">{minutes} minutes</time></p>",
        hidden = if asks(view) { "" } else { " hidden" },
        left = view.expires.saturating_sub(view.now),
        minutes = view.expires.saturating_sub(view.now) / 60,
    );
    let _ = write!(
        main,
        "<div class=\"options\" data-field=\"options\"{}>",
        if asks(view) { "" } else { " hidden" }
    );
    let many = view.options.len() > 1;
    if many {
        main.push_str("<p class=\"choose\">Choose how to pay</p>");
    }
    for option in &view.options {
        push_option(&mut main, view, option, many);
    }
    main.push_str("</div>");
    main.push_str(
        "<noscript><p class=\"hint\">Reload this page to see whether your payment has arrived.</p></noscript>\
         <footer><p>Served by <span class=\"brand\">Quorate</span>: no single machine can move this money.</p></footer></main>",
    );
    document(&format!("{} – {description}", view.title), &main)
}

fn push_option(main: &mut String, view: &View, option: &OptionView, many: bool) {
    let name = format!("{} on {}", option.symbol, option.network);
    if many {
        let open = if option.number == 0 || option.touched { " open" } else { "" };
        let _ = write!(
            main,
            "<details class=\"option\" name=\"option\"{open} data-option=\"{n}\"><summary><span>{name}</span>\
             <b data-field=\"missing\">{missing}</b></summary>",
            n = option.number,
            name = escape(&name),
            missing = escape(&option.missing),
        );
    } else {
        let _ = write!(
            main,
            "<section class=\"option\" data-option=\"{}\" aria-label=\"{}\">",
            option.number,
            escape(&name)
        );
    }
    let groups: Vec<String> = option
        .address
        .as_bytes()
        .chunks(4)
        .map(|four| format!("<span>{}</span>", escape(&String::from_utf8_lossy(four))))
        .collect();
    let (address, missing, symbol) =
        (escape(&option.address), escape(&option.missing), escape(&option.symbol));
    let _ = write!(
        main,
        "<div class=\"pay\"><a class=\"qr\" href=\"{uri}\" aria-label=\"Open in a wallet on this device\">\
         <img src=\"{path}/qr/{n}.svg\" width=\"232\" height=\"232\" alt=\"QR code: pay {missing} {symbol} to {address}\" data-field=\"qr\"></a>\
         <dl><dt>Amount</dt><dd class=\"amount\"><output data-field=\"missing\">{missing}</output> <span>{symbol}</span>\
         <button type=\"button\" class=\"copy\" data-copy=\"{missing}\" data-field=\"copy\" hidden>Copy<span class=\"sr\"> amount</span></button></dd>\
         <dt>Network</dt><dd>{network}</dd>\
         <dt>Address</dt><dd class=\"address\"><code translate=\"no\" aria-label=\"{address}\">{groups}</code>\
         <button type=\"button\" class=\"copy\" data-copy=\"{address}\" hidden>Copy<span class=\"sr\"> address</span></button></dd>\
         <dt data-field=\"got\"{got}>Arrived</dt><dd data-field=\"got\"{got}><span><output data-field=\"received\">{received}</output> of {amount} {symbol}</span></dd>\
         </dl></div><a class=\"button\" href=\"{uri}\" data-field=\"uri\">Open in wallet</a>",
        uri = escape(&option.uri),
        path = escape(&view.path),
        n = option.number,
        network = escape(&option.network),
        groups = groups.concat(),
        got = if option.touched { "" } else { " hidden" },
        received = escape(&option.received),
        amount = escape(&option.amount),
    );
    push_attested(main, view, option);
    main.push_str(if many { "</details>" } else { "</section>" });
}

fn push_attested(main: &mut String, view: &View, option: &OptionView) {
    let names: Vec<String> =
        option.attested_by.iter().map(|name| format!("<li>{}</li>", escape(name))).collect();
    let _ = write!(
        main,
        "<details class=\"attested\"><summary>Address confirmed by {count} independent machines</summary>\
         <p>Each of these computed the address by itself and signed it; {threshold} have to.</p><ul>{names}</ul>\
         <p>Before a large payment, compare the address with the merchant over another channel, or send him what these \
         machines signed: <a href=\"{path}/proof/{n}.json\" download=\"address-proof.json\">save the proof</a>, \
         which he checks with <code>quorate address check address-proof.json</code>.</p></details>",
        count = option.attested_by.len(),
        threshold = option.threshold,
        names = names.concat(),
        path = escape(&view.path),
        n = option.number,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_an_invoice_becomes_markup() {
        let view = View {
            state: InvoiceState::Open,
            title: "t".into(),
            text: "t".into(),
            payable: true,
            pending: false,
            payee: "<b>".into(),
            description: Some("\"><script>alert(1)</script>".into()),
            expires: 100,
            now: 40,
            options: vec![OptionView {
                number: 0,
                network: "Ethereum".into(),
                symbol: "'><img src=x>".into(),
                amount: "1".into(),
                missing: "1".into(),
                received: "0".into(),
                pending: "0".into(),
                touched: false,
                address: "0xab".into(),
                uri: "ethereum:x?a=1&b=\"2\"".into(),
                attested_by: vec!["<i>ada".into()],
                threshold: 2,
            }],
            path: "/pay/ff".into(),
        };
        let page = page(&view);
        for markup in ["<script>alert", "<b>", "<img src=x>", "<i>ada", "style=", "onclick", "\"2\""] {
            assert!(!page.contains(markup), "{markup}");
        }
        assert!(page.contains("<span>0xab</span>") && page.contains("PT60S"));
    }
}
