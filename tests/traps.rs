//! Modules that would build, load, and do something else than their authors meant: each is made right, or refused.

mod support;

use std::path::Path;
use std::process::Command;

use modgraft::adapt::finding::{Finding, Kind};
use modgraft::adapt::pack::{Action, Risk, Rules};
use modgraft::c::expression::Access;
use modgraft::target::Mmn;
use serde_json::Value;
use support::{run, scratch};

fn build(folder: &Path) -> Value {
    let out = folder.join("out");
    run(Command::new(env!("CARGO_BIN_EXE_modgraft"))
        .env("MODGRAFT_CACHE", scratch("traps"))
        .args(["build-module", "--offline", "--sign-key", "none", "--out"])
        .arg(&out)
        .arg(folder));
    serde_json::from_slice(&fs_err::read(out.join("report.json")).unwrap()).unwrap()
}

/// A recipe's folder with one source.
fn recipe(name: &str, source: &str, more: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "name = \"{name}\"\nsummary = \"A trap\"\nlicense = \"Apache-2.0\"\nversion = \"1\"\n{more}\
         [source]\ndirectory = \".\"\nfiles = [\"{name}.c\"]\n\
         [[changelog]]\ndate = 2026-01-01\nauthor = \"A. Packager <packager@example.org>\"\nversion = \"1-1\"\n\
         notes = [\"First package.\"]\n"
    );
    fs_err::write(folder.path().join("module.toml"), text).unwrap();
    fs_err::write(folder.path().join(format!("{name}.c")), source).unwrap();
    folder
}

fn append(folder: &tempfile::TempDir, checks: &str) {
    let path = folder.path().join("module.toml");
    let text = fs_err::read_to_string(&path).unwrap();
    fs_err::write(path, format!("{text}{checks}")).unwrap();
}

/// As modules of 2009 did it: the client's address belongs to the connection, and each request has to set it again.
const PROXIED: &str = r#"#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_protocol.h"
#include "http_request.h"
#include "apr_strings.h"

module AP_MODULE_DECLARE_DATA proxied_module;

static int proxied_set(request_rec *r)
{
    conn_rec *c = r->connection;
    const char *peer = apr_table_get(c->notes, "proxied-peer");
    const char *named = apr_table_get(r->headers_in, "X-Client");

    if (!peer) {
        peer = c->remote_ip;
        apr_table_setn(c->notes, "proxied-peer", peer);
    }
    c->remote_ip = apr_pstrdup(c->pool, named ? named : peer);
    return DECLINED;
}

static int proxied_handler(request_rec *r)
{
    if (!r->handler || strcmp(r->handler, "proxied")) return DECLINED;
    ap_rprintf(r, "client %s.\n", r->connection->remote_ip);
    return OK;
}

static void proxied_hooks(apr_pool_t *p)
{
    ap_hook_post_read_request(proxied_set, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_handler(proxied_handler, NULL, NULL, APR_HOOK_MIDDLE);
}

module AP_MODULE_DECLARE_DATA proxied_module = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, proxied_hooks
};
"#;

#[test]
fn each_request_of_a_connection_has_its_own_clients_address() {
    let folder = recipe("mod_proxied", PROXIED, "");
    let site = "modules = [\"headers\"]\nconfig = '''\nSetHandler proxied\n\
                Header always set X-Seen \"expr=%{REMOTE_ADDR}\"\n'''\n";
    let check = |name: &str, first: &str, then: &str, seen: &str| {
        append(
            &folder,
            &format!(
                "[[check]]\nname = \"{name}\"\n{site}request = {{ path = \"/\", headers = {{ {then} }}, \
                 before = [{{ path = \"/\", headers = {{ {first} }} }}] }}\n\
                 expect = {{ headers = {{ X-Seen = \"{seen}\" }}, body-contains = \"client {seen}.\" }}\n"
            ),
        );
    };
    let (one, two) = ("X-Client = \"192.0.2.1\"", "X-Client = \"192.0.2.2\"");
    check("the second client", one, two, "192.0.2.2");
    check("the first client", two, one, "192.0.2.1");
    check("nobody named", one, "", "127.0.0.1");
    let report = build(folder.path());
    let rules: Vec<&str> = report["adapt"]["edits"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|edit| edit["rule"].as_str())
        .collect();
    assert!(rules.contains(&"common/remote-set"), "{rules:?}");
}

/// What httpd 2.2 has no place for is refused there, whatever other rules would do with it.
#[test]
fn an_address_of_one_request_is_never_written_to_a_2_2_connection() {
    let rules = Rules::of(&[], Mmn { major: 20_051_115, minor: 24 });
    for (owner, name) in [
        ("request_rec", "useragent_ip"),
        ("request_rec", "useragent_addr"),
        ("conn_rec", "client_ip"),
        ("conn_rec", "client_addr"),
    ] {
        let finding = Finding {
            kind: Kind::Member,
            name: name.to_owned(),
            owners: vec![owner.to_owned()],
            access: Some(Access::Written),
            value: Some("parsed".to_owned()),
            argument: None,
            at: None,
            message: String::new(),
            place: None,
        };
        let first = rules.fitting(&finding).next().unwrap_or_else(|| panic!("{owner}.{name}: no rule"));
        assert!(matches!(first.r#do, Action::Refuse(_)), "{owner}.{name}: {}", first.id);
    }
}

/// Gives its work to another module where that one is loaded, and relies on a hook for that which this httpd does not run.
const RELYING: &str = r#"#include "httpd.h"
#include "http_config.h"
#include "http_protocol.h"

static int relies;

static int relying_post_config(apr_pool_t *p, apr_pool_t *log, apr_pool_t *temp, server_rec *s)
{
    relies = ap_find_linked_module("mod_headers.c") != NULL;
    return OK;
}

static int relying_answer(request_rec *r)
{
    return relies ? OK : DECLINED;
}

static int relying_handler(request_rec *r)
{
    if (!r->handler || strcmp(r->handler, "relying")) return DECLINED;
    ap_rputs(relies ? "left to the other\n" : "done here\n", r);
    return OK;
}

static void relying_hooks(apr_pool_t *p)
{
    ap_hook_post_config(relying_post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_nobody_runs(relying_answer, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(relying_handler, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(relying) = { STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, relying_hooks };
"#;

/// The form of the rule that keeps mod_proxy_wstunnel from falling back to a mod_proxy_http that cannot upgrade.
const PACK: &str = r#"[pack]
name = "traps"
about = "what the test needs"
[[rule]]
id = "traps/relies"
when = { kind = "function", name = "ap_hook_nobody_runs" }
do = { drop = "registration" }
risk = "loses-function"
note = "the other module cannot do it here"
source = "the test"
"#;

const ALSO: &str = "[[rule.also]]\ncall = \"ap_find_linked_module\"\narguments = [\"\\\"mod_headers.c\\\"\"]\n\
                    replace = \"((module *) NULL)\"\n";

#[test]
fn a_fallback_to_what_the_target_cannot_do_is_switched_off() {
    for (pack, does) in [(format!("{PACK}{ALSO}"), "done here"), (PACK.to_owned(), "left to the other")] {
        let folder = recipe("mod_relying", RELYING, "compat = [\"traps.toml\"]\n");
        fs_err::write(folder.path().join("traps.toml"), pack).unwrap();
        append(
            &folder,
            &format!(
                "[[check]]\nname = \"who does it\"\nmodules = [\"headers\"]\nconfig = \"SetHandler relying\"\n\
                 request = {{ path = \"/\" }}\nexpect = {{ body-contains = \"{does}\" }}\n"
            ),
        );
        build(folder.path());
    }
}

/// The same for the module itself: the rule is one finding with the switch, and is no secret.
#[test]
fn wstunnel_falls_back_to_no_http_module_that_cannot_upgrade() {
    for (major, minor) in [(20_051_115, 24), (20_120_211, 23), (20_120_211, 83)] {
        let rules = Rules::of(&[], Mmn { major, minor });
        let rule = rules.about("proxy_hook_check_trans").unwrap();
        assert_eq!((rule.id.as_str(), rule.risk), ("common/fallback-to-proxy-http", Risk::LosesFunction));
        assert_eq!(rule.also.len(), 1);
    }
}
