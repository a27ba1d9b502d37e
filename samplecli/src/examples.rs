//! Every example in the help is a valid command line.

use clap::{Command, CommandFactory};

use crate::Cli;

/// Returns the command lines of `muster` in a text: those after indentation, a pipe or `$(`.
fn command_lines(help: &str) -> Vec<String> {
    let joined = help.replace("\\\n", " ");
    let mut lines = Vec::new();
    for line in joined.lines() {
        let starts = line.match_indices("muster ").map(|(at, _)| at);
        for at in starts {
            let before = line[..at].trim_end_matches(' ');
            if before.is_empty() && at > 0 || before.ends_with('|') || before.ends_with("$(") {
                lines.push(line[at..].to_owned());
            }
        }
    }
    lines
}

/// Splits a command line into words, up to a pipe, a redirection, a comment or the end of `$(…)`.
fn words(line: &str) -> Vec<String> {
    let command = line.split(['|', '>', ')']).next().unwrap();
    let mut words = shlex::split(command).unwrap();
    // The `2` of `2> file`.
    words.pop_if(|word| *word == "2" && line.contains("2>"));
    words
}

/// Collects the help after every command.
fn helps(command: &Command, texts: &mut Vec<(String, String)>) {
    let name = command.get_name().to_owned();
    let help = command.get_after_help().map(ToString::to_string);
    texts.push((name, help.unwrap_or_default()));
    for subcommand in command.get_subcommands() {
        helps(subcommand, texts);
    }
}

#[test]
fn every_example_is_a_valid_command_line() {
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
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}
