//! Progress of an import on a terminal: bars, which are removed at the end, in the place of lines.

use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStringExt;
use std::process::Stdio;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::home::{CommandOutput, Home, import_args};
use crate::mock_server::MockServer;
use crate::upload_service::{UploadService, applying, finished, state};

/// Clears the line that the cursor is on.
const CLEAR_LINE: &str = "\u{1b}[2K";

/// Imports the file with a terminal of 100 columns as standard error, and returns the text on the
/// terminal as `stderr`. An empty `NO_COLOR` counts as unset.
fn import(home: &Home, server: &MockServer, no_color: &str) -> CommandOutput {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let size = Winsize {
        ws_row: 40,
        ws_col: 100,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&terminal, size).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap().into_bytes();
    let screen = std::ffi::OsString::from_vec(name);
    let screen = File::options().read(true).write(true).open(screen).unwrap();
    let child = home
        .muster(&import_args("users.ndjson", &server.url, &[]))
        .env("TERM", "xterm-256color")
        .env("NO_COLOR", no_color)
        .stdout(Stdio::piped())
        .stderr(screen)
        .spawn()
        .unwrap();
    let mut shown = Vec::new();
    // Reading fails once no process has the terminal open.
    let _closed = File::from(terminal).read_to_end(&mut shown);
    let mut output = child.wait_with_output().unwrap();
    output.stderr = shown;
    CommandOutput::new(output)
}

fn large_import() -> (MockServer, Home) {
    let mut service = UploadService::new(100);
    service.states = vec![state("queued"), applying(), finished()];
    let (server, _) = service.start();
    let home = Home::new();
    home.file("users.ndjson", "{\"Username\":\"john.foo\"}\n".repeat(40));
    (server, home)
}

#[test]
fn a_terminal_shows_bars_that_are_removed_at_the_end() {
    let (server, home) = large_import();
    let output = import(&home, &server, "");
    output
        .exits_with(0)
        .stdout_contains("Created           1,000\n");
    // Not every step is drawn: the drawing rate is limited.
    for drawn in [
        "uploading users.ndjson █",
        " B/960 B ",
        "queued",
        "applying ██",
        "300/1,200 123 records/s, about 7.0 s left",
    ] {
        output.stderr_contains(drawn);
    }
    // Bars replace each other and start with a name; none remains, and there are no plain lines.
    let lines: Vec<&str> = output.stderr.split("\r\n").collect();
    assert_eq!(lines.len(), 2, "{output:#?}");
    for line in lines {
        let mut drawn: Vec<&str> = line.split(CLEAR_LINE).collect();
        let last = drawn.pop().unwrap();
        assert!(
            last.is_empty() || last.starts_with("import 0198c7: 960 bytes"),
            "{output:#?}"
        );
        for bar in drawn {
            let named = bar.trim_start_matches(|c: char| c == ' ' || ('⠀'..='⣿').contains(&c));
            let is_named = named.starts_with(|c: char| c.is_ascii_alphabetic());
            assert!(is_named && bar.ends_with('\r'), "{bar:?}");
        }
    }
    assert!(!output.stderr.contains(" %)"), "{output:#?}");
}

#[test]
fn no_color_selects_plain_lines_on_a_terminal() {
    let (server, home) = large_import();
    let output = import(&home, &server, "1");
    output
        .exits_with(0)
        .stderr_contains("uploading users.ndjson: 960 of 960 bytes (100 %)")
        .stderr_contains("applying: 300 of 1,200 records (25 %), 123 records/s, about 7.0 s left");
    assert!(!output.stderr.contains('\u{1b}'), "{output:#?}");
}
