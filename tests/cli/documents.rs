//! What is written down is what the program does.

use std::path::Path;

use super::run::Place;

fn repository(name: &str) -> String {
    fs_err::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name))
        .expect("a file of the repository")
}

#[test]
fn the_schema_beside_the_recipes_is_the_programs_own() {
    let run = Place::new().run(["schema"]);
    assert_eq!(run.code, 0);
    assert_eq!(
        run.stdout,
        repository("modules/module.schema.json"),
        "regenerate it: cargo run -q schema > modules/module.schema.json"
    );
}

#[test]
fn help_and_readme_have_the_same_exit_codes() {
    let help = Place::new().run(["--help"]).stdout;
    let section = help.split("Exit codes:").nth(1).expect("the help has exit codes");
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let from_help: Vec<String> = section.lines().map(words).filter(|line| !line.is_empty()).collect();
    let readme = repository("README.md");
    let table = readme.split("| code | meaning |").nth(1).expect("the README has exit codes");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let from_readme: Vec<String> = rows.map(|row| words(&row.replace('|', " "))).collect();
    assert_eq!(from_help, from_readme);
    assert_eq!(from_help.len(), 12);
}

#[test]
fn the_readme_names_every_command_and_the_two_first_ones() {
    let readme = repository("README.md");
    assert!(
        readme.contains("```sh\ncargo run build-module\n```") && readme.contains("```sh\ntests/run\n```")
    );
    let help = Place::new().run(["--help"]).stdout;
    let commands = help.split("Commands:\n").nth(1).expect("commands").split("\n\n").next().expect("a list");
    for command in commands.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next()) {
        if !command.is_empty() && command != "help" {
            assert!(readme.contains(&format!("modgraft {command}")), "README.md says nothing of `{command}`");
        }
    }
}

#[test]
fn man_pages_and_completions_come_from_the_definitions() {
    let place = Place::new();
    assert_eq!(place.run(["man", "--dir", "man"]).code, 0);
    let pages = place.names("man");
    assert!(pages.iter().any(|page| page == "modgraft-build-module.1"), "{pages:?}");
    let page = fs_err::read_to_string(place.path("man/modgraft-build-module.1")).unwrap();
    assert!(page.contains("sign\\-key"), "the page has no option --sign-key");
    for shell in ["bash", "zsh", "fish"] {
        let run = place.run(["completions", shell]);
        assert!(run.code == 0 && run.stdout.contains("build-module"), "{shell}: {}", run.stderr);
    }
}
