//! What can be seen without a server: help, completions, refusals, settings on paper. The cases in
//! `tests/cmd` hold the exact output; `TRYCMD=overwrite cargo test -p samplecli --test cmd` writes
//! it anew.

#[test]
fn every_command_line_answers_as_it_is_written_down() {
    let home = tempfile::tempdir().unwrap();
    let cases = trycmd::TestCases::new();
    cases
        .case("tests/cmd/*.trycmd")
        .env("XDG_CONFIG_HOME", home.path().to_str().unwrap());
    // Empty ones count as absent.
    for variable in [
        "MUSTER_URL",
        "MUSTER_TOKEN",
        "MUSTER_OPERATOR_TOKEN",
        "MUSTER_PASSWORD",
    ] {
        cases.env(variable, "");
    }
}
