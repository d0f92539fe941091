//! An in-toto Statement v1 (in-toto.io/Statement/v1) with SLSA provenance v1 (slsa.dev/provenance/v1).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::edits::Done;
use super::{Build, Told};
use crate::audit::Beside;
use crate::hash::sha256;
use crate::pipeline::Error;
use crate::pipeline::inputs::{Input, Inputs};

pub const STATEMENT: &str = "https://in-toto.io/Statement/v1";
const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
/// Names the meaning of the parameters below; another meaning gets another number.
pub const BUILD_TYPE: &str = "urn:modgraft:build-module:v1";
const BUILDER: &str = "urn:modgraft:builder";
/// The digest of a package's header, which stays as it is whoever signs it.
const HEADER: &str = "rpmHeaderSha256";

/// A statement about one package. What is not known is passed over, as in-toto asks of whoever reads.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Statement {
    #[serde(rename = "_type")]
    pub form: String,
    pub subject: Vec<Resource>,
    #[serde(rename = "predicateType")]
    pub predicate_type: String,
    pub predicate: Predicate,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Predicate {
    pub build_definition: Definition,
    pub run_details: Run,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Definition {
    pub build_type: String,
    /// What was asked for.
    pub external_parameters: Asked,
    /// What followed from it.
    pub internal_parameters: Followed,
    pub resolved_dependencies: Vec<Resource>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    pub module: String,
    pub version: String,
    pub release: String,
    /// The target's name; nothing of one that is a folder of the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Inputs that are values: `source-date-epoch`, `accept-risks`.
    pub options: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Followed {
    /// Inputs that are values: `compiler/version`, `target/httpd`.
    pub values: BTreeMap<String, String>,
    pub binding: Binding,
}

/// What it takes beside the source package to make the same package.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Binding {
    /// The module structure's C name.
    pub symbol: String,
    /// What is exported beside it.
    pub exports: Vec<String>,
    /// Libraries that are linked, without `-l`.
    pub libraries: Vec<String>,
    /// `NAME-VERSION-RELEASE.ARCH`.
    pub nevra: String,
    /// Modules that are loaded before it.
    pub beside: Vec<Beside>,
    /// Those of them that are packages like this one.
    pub requires: Vec<String>,
    /// The compiler's arguments.
    pub call: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    pub builder: Builder,
    #[serde(default)]
    pub byproducts: Vec<Resource>,
    /// What was done to upstream's code.
    #[serde(default, rename = "modgraft_graft")]
    pub graft: Value,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Builder {
    pub id: String,
    #[serde(default)]
    pub version: BTreeMap<String, String>,
}

/// A ResourceDescriptor.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    #[serde(default)]
    pub digest: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, Value>,
}

impl Resource {
    /// A text, whole.
    fn of_text(name: &str, text: &str) -> Self {
        let digest = BTreeMap::from([("sha256".to_owned(), sha256(text.as_bytes()))]);
        Resource { name: name.to_owned(), digest, ..Resource::default() }
    }

    fn of_package(told: &Told<'_>) -> Self {
        Resource {
            name: told.package.file_name(),
            digest: BTreeMap::from([("sha256".to_owned(), told.sha256.to_owned())]),
            annotations: BTreeMap::from([(HEADER.to_owned(), Value::from(told.header.as_str()))]),
            ..Resource::default()
        }
    }

    fn of_input(name: &str, input: &Input) -> Self {
        Resource {
            name: name.to_owned(),
            uri: input.location(),
            digest: input.digest.iter().map(|(kind, hex)| ((*kind).to_owned(), hex.clone())).collect(),
            ..Resource::default()
        }
    }

    /// The digest of a package's header.
    pub fn header(&self) -> Option<&str> {
        self.annotations.get(HEADER)?.as_str()
    }
}

/// What the statements of all packages of a build have alike.
pub struct Common {
    predicate: Predicate,
    packages: Vec<Resource>,
}

impl Common {
    pub fn new(build: &Build<'_>, told: &[Told<'_>]) -> Result<Self, Error> {
        let recipe = &build.graft.ready.recipe;
        let target = &build.graft.ready.target.name;
        let (options, values) = values(build.inputs);
        let materials = build.inputs.iter().filter(|(_, input)| !input.digest.is_empty());
        let definition = Definition {
            build_type: BUILD_TYPE.to_owned(),
            external_parameters: Asked {
                module: recipe.name.clone(),
                version: recipe.version.clone(),
                release: recipe.release.clone(),
                target: Some(target.clone()).filter(|name| !name.contains('/')),
                options,
            },
            internal_parameters: Followed { values, binding: build.binding()? },
            resolved_dependencies: materials.map(|(name, input)| Resource::of_input(name, input)).collect(),
        };
        let run_details = Run {
            builder: Builder {
                id: BUILDER.to_owned(),
                version: BTreeMap::from([("modgraft".to_owned(), env!("CARGO_PKG_VERSION").to_owned())]),
            },
            byproducts: build.texts.iter().map(|(name, text)| Resource::of_text(name, text)).collect(),
            graft: serde_json::to_value(Done::of(build.graft)).expect("the record is plain data"),
        };
        Ok(Common {
            predicate: Predicate { build_definition: definition, run_details },
            packages: told.iter().map(Resource::of_package).collect(),
        })
    }

    /// The statement of one package; the others of the build are its by-products.
    pub fn about(&self, told: &Told<'_>) -> Statement {
        let name = told.package.file_name();
        let (subject, others) = self.packages.iter().cloned().partition(|package| package.name == name);
        let mut predicate = self.predicate.clone();
        let texts = std::mem::replace(&mut predicate.run_details.byproducts, others);
        predicate.run_details.byproducts.extend(texts);
        Statement { form: STATEMENT.to_owned(), subject, predicate_type: PROVENANCE.to_owned(), predicate }
    }
}

impl Statement {
    /// Whether it is provenance by a modgraft whose parameters mean what they mean here.
    pub fn is_known(&self) -> bool {
        self.form == STATEMENT
            && self.predicate_type == PROVENANCE
            && self.predicate.build_definition.build_type == BUILD_TYPE
    }
}

/// Inputs that are values: those that were asked for, and those that followed.
pub fn values(inputs: &Inputs) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
    let (mut asked, mut followed) = (BTreeMap::new(), BTreeMap::new());
    for (name, input) in inputs.iter() {
        let Some(value) = &input.value else { continue };
        match name.strip_prefix("asked/") {
            Some(option) => asked.insert(option.to_owned(), value.clone()),
            None => followed.insert(name.to_owned(), value.clone()),
        };
    }
    (asked, followed)
}
