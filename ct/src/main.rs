//! Secret paths with their secrets marked undefined: valgrind reports every branch and every address that depends on one.
//!
//! `quorate-ct PATH` walks one path; without one it lists them. Run by `cargo xtask constant-time`, which builds it as the
//! product is built, with optimisation, and judges what valgrind reports. A report at a line of the product that is marked
//! with a comment `declassify:` is about a value that is public from there on.

mod mark;
mod paths;

fn main() {
    let Some(name) = std::env::args().nth(1) else {
        paths::PATHS.iter().for_each(|path| println!("{}", path.0));
        return;
    };
    let Some((_, walk)) = paths::PATHS.iter().find(|path| path.0 == name) else {
        eprintln!("there is no path {name}");
        std::process::exit(2);
    };
    walk();
    println!("{name}: {}", if mark::watched() { "watched" } else { "not watched: run it under valgrind" });
}
