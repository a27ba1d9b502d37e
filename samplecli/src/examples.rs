//! Every example in the help is a command line that this client takes.

use clap::{Command, CommandFactory};

use crate::Cli;

/// The command lines of `muster` in a text: after a prompt's indentation, a pipe or `$(`.
fn command_lines(help: &str) -> Vec<String> {
    let joined = help.replace("\\\n", " ");
    let mut found = Vec::new();
    for line in joined.lines() {
        let starts = line.match_indices("muster ").map(|(at, _)| at);
        for at in starts {
            let before = line[..at].trim_end_matches(' ');
            if before.is_empty() && at > 0 || before.ends_with('|') || before.ends_with("$(") {
                found.push(line[at..].to_owned());
            }
        }
    }
    found
}

/// The words of a command line up to a pipe, a redirection, a comment or the end of `$(…)`.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for letter in line.chars() {
        match (quote, letter) {
            (Some(open), _) if open == letter => quote = None,
            (Some(_), _) => word.push(letter),
            (None, '\'' | '"') => quote = Some(letter),
            (None, '|' | '>' | '#' | ')') => break,
            (None, ' ') => words.extend((!word.is_empty()).then(|| std::mem::take(&mut word))),
            (None, _) => word.push(letter),
        }
    }
    words.extend((!word.is_empty()).then_some(word));
    words
}

/// Collects the help after every command.
fn helps(command: &Command, texts: &mut Vec<(String, String)>) {
    let name = command.get_name().to_owned();
    let help = command.get_after_help().map(ToString::to_string);
    texts.push((name, help.unwrap_or_default()));
    for below in command.get_subcommands() {
        helps(below, texts);
    }
}

#[test]
fn every_example_is_a_command_line_that_is_understood() {
    let mut texts = Vec::new();
    helps(&Cli::command(), &mut texts);
    for (command, help) in texts {
        let lines = command_lines(&help);
        assert!(!lines.is_empty(), "{command} has no example");
        for line in lines {
            let words = words(&line);
            if let Err(error) = Cli::command().try_get_matches_from(&words) {
                panic!("{command}: {line}: {words:?}: {error}");
            }
        }
    }
}

#[test]
fn the_command_line_is_sound() {
    Cli::command().debug_assert();
}
