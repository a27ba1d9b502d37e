//! What a person at a terminal sees while a file is imported: bars that are drawn over each other
//! and gone in the end, where a pipe gets lines.

use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStringExt;
use std::process::Stdio;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::muster::{Ended, Home};
use crate::peer::Peer;
use crate::service::{Service, applying, finished, state};
use crate::uploads::args;

/// Clears the line that the cursor is on.
const CLEAR_LINE: &str = "\u{1b}[2K";

/// Imports the file with a terminal of 100 columns as standard error. What `err` has then is what
/// the terminal got. An empty `NO_COLOR` is none.
fn import(home: &Home, peer: &Peer, no_color: &str) -> Ended {
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
        .muster(&args(peer, &[]))
        .env("TERM", "xterm-256color")
        .env("NO_COLOR", no_color)
        .stdout(Stdio::piped())
        .stderr(screen)
        .spawn()
        .unwrap();
    let mut shown = Vec::new();
    // Once nobody has the terminal open any more, reading it is an error.
    let _closed = File::from(terminal).read_to_end(&mut shown);
    let mut output = child.wait_with_output().unwrap();
    output.stderr = shown;
    Ended::new(output)
}

fn large_import() -> (Peer, Home) {
    let mut service = Service::new(100);
    service.states = vec![state("queued"), applying(), finished()];
    let (peer, _) = service.start();
    let home = Home::new();
    home.file("users.ndjson", "{\"Username\":\"john.foo\"}\n".repeat(40));
    (peer, home)
}

#[test]
fn a_terminal_gets_bars_that_are_gone_in_the_end() {
    let (peer, home) = large_import();
    let ended = import(&home, &peer, "");
    ended.expect(0).prints("Created           1,000\n");
    // Not each step is drawn: a terminal is not written to more often than people can see.
    for drawn in [
        "uploading users.ndjson █",
        " B/960 B ",
        "queued",
        "applying ██",
        "300/1,200 123 records/s, about 7.3 s left",
    ] {
        ended.says(drawn);
    }
    // One over the other, each with what it is about; nothing stays, no line that a pipe would get.
    let lines: Vec<&str> = ended.err.split("\r\n").collect();
    assert_eq!(lines.len(), 2, "{ended:#?}");
    for line in lines {
        let mut drawn: Vec<&str> = line.split(CLEAR_LINE).collect();
        let last = drawn.pop().unwrap();
        assert!(
            last.is_empty() || last.starts_with("import 0198c7: 960 bytes"),
            "{ended:#?}"
        );
        for bar in drawn {
            let named = bar.trim_start_matches(|c: char| c == ' ' || ('⠀'..='⣿').contains(&c));
            let is_named = named.starts_with(|c: char| c.is_ascii_alphabetic());
            assert!(is_named && bar.ends_with('\r'), "{bar:?}");
        }
    }
    assert!(!ended.err.contains(" %)"), "{ended:#?}");
}

#[test]
fn who_wants_no_colour_gets_lines_on_a_terminal_too() {
    let (peer, home) = large_import();
    let ended = import(&home, &peer, "1");
    ended
        .expect(0)
        .says("uploading users.ndjson: 960 of 960 bytes (100 %)")
        .says("applying: 300 of 1,200 records (25 %), 123 records/s, about 7.3 s left");
    assert!(!ended.err.contains('\u{1b}'), "{ended:#?}");
}
