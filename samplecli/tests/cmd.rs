//! Output without a server: help, completions, usage errors and dry runs. The cases in `tests/cmd`
//! contain the exact output; `TRYCMD=overwrite cargo test -p samplecli --test cmd` updates them.

#[test]
fn the_output_of_every_command_line_is_as_recorded() {
    let home = tempfile::tempdir().unwrap();
    let cases = trycmd::TestCases::new();
    cases
        .case("tests/cmd/*.trycmd")
        .env("XDG_CONFIG_HOME", home.path().to_str().unwrap());
    // Empty variables count as unset.
    for variable in [
        "MUSTER_URL",
        "MUSTER_TOKEN",
        "MUSTER_OPERATOR_TOKEN",
        "MUSTER_PASSWORD",
    ] {
        cases.env(variable, "");
    }
}
