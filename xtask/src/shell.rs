//! Runs other commands.

use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::path::Path;
use std::process::{Command, Stdio};

/// `cargo` with arguments, in `root`. The cargo that started us is the one that is used.
pub fn cargo(root: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root).args(args);
    command
}

/// Runs with output shown as it comes. True on success.
pub fn show(command: &mut Command) -> bool {
    match command.status() {
        Ok(status) => status.success(),
        Err(error) => {
            eprintln!("cannot start {}: {error}", command.get_program().to_string_lossy());
            false
        }
    }
}

/// Runs with standard output shown as it comes, and gives every line to `line` as well. True on success.
pub fn tee(command: &mut Command, mut line: impl FnMut(&str)) -> bool {
    if std::io::stdout().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    let mut child = match command.stdout(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) => {
            eprintln!("cannot start {}: {error}", command.get_program().to_string_lossy());
            return false;
        }
    };
    if let Some(output) = child.stdout.take() {
        let mut stdout = std::io::stdout();
        for text in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            // A closed terminal must not stop the tests.
            let _ = stdout.write_all(&text).and_then(|()| stdout.write_all(b"\n"));
            let _ = stdout.flush();
            line(&String::from_utf8_lossy(&text));
        }
    }
    child.wait().is_ok_and(|status| status.success())
}

/// Runs silently and gives standard output, or what went wrong.
pub fn capture(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("cannot start {name}: {error}"))?;
    if output.status.success() {
        String::from_utf8(output.stdout).map_err(|_| format!("{name} wrote text that is not UTF-8"))
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }
}
