//! `cargo xtask COMMAND | head`: a reader that goes early ends the command quietly.

use std::io::Read as _;
use std::process::{Command, Stdio};

#[test]
fn a_reader_that_goes_early_is_no_panic() {
    for command in ["--help", "tidy"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .arg(command)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the built program");
        drop(child.stdout.take());
        let mut said = String::new();
        let errors = child.stderr.as_mut().expect("a pipe");
        errors.read_to_string(&mut said).expect("UTF-8");
        child.wait().expect("waitpid");
        assert!(!said.contains("panicked"), "{command}: {said}");
    }
}
