use std::process::ExitCode;

use super::args::key::{Certify, Key, KeyCommand, Lint, New, Package, Type};
use super::generate::print;
use crate::error::Kind;
use crate::report::Reporter;
use crate::sign::{self, KeySpec, KeyType};
use crate::{Error, pipeline};

pub fn run(args: &Key, reporter: &dyn Reporter) -> Result<ExitCode, Error> {
    match &args.command {
        KeyCommand::New(args) => new(args, reporter)?,
        KeyCommand::Lint(args) => return lint(args),
        KeyCommand::Package(args) => package(args, reporter)?,
        KeyCommand::Certify(args) => certify(args, reporter)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn new(args: &New, reporter: &dyn Reporter) -> Result<(), Error> {
    let key_type = match args.key_type {
        Type::Rsa4096 => KeyType::Rsa4096,
        Type::Ed25519 => KeyType::Ed25519,
    };
    let files = pipeline::new_key(
        key_type,
        &args.user_id,
        &args.expires,
        &args.unlock.environment()?.passphrase,
        &args.out,
        reporter,
    )?;
    print(format!("{}\n{}\n", files.secret.display(), files.public.display()).as_bytes())
}

fn lint(args: &Lint) -> Result<ExitCode, Error> {
    let releases = pipeline::releases(&args.releases)?;
    let mut good = true;
    for (number, file) in args.keys.iter().enumerate() {
        let lint = pipeline::lint_key(file, &releases)?;
        good &= lint.is_good();
        if args.json {
            let mut text = serde_json::to_string(&lint).expect("a finding is plain data");
            text.push('\n');
            print(text.as_bytes())?;
        } else {
            print(format!("{}{}", if number > 0 { "\n" } else { "" }, lint.text()).as_bytes())?;
        }
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::from(Kind::Input.exit_code()) })
}

fn package(args: &Package, reporter: &dyn Reporter) -> Result<(), Error> {
    let key = args.key.spec()?.unwrap_or(KeySpec::Development);
    let environment = args.key.environment()?;
    let asked = pipeline::KeyPackage {
        keys: args.keys.clone(),
        name: args.name.clone(),
        url: args.url.clone(),
        title: args.title.clone(),
        version: args.version.clone(),
        release: args.release.clone(),
        license: args.license.clone(),
        profile: args.profile.clone(),
        metadata_signed: !args.unsigned_metadata,
        key,
        environment,
        out: args.out.clone(),
    };
    let package = pipeline::key_package(&asked, reporter)?;
    print(format!("{}\n", package.display()).as_bytes())
}

fn certify(args: &Certify, reporter: &dyn Reporter) -> Result<(), Error> {
    let spec = sign::KeySpec::parse(&args.key)?;
    pipeline::certify(&spec, &args.unlock.environment()?, &args.user_id, &args.out, reporter)
}
