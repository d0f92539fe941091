use serde::Deserialize;

use super::super::{Action, Check, Message, MessageKind, Mpm};

#[derive(Debug, Deserialize)]
struct Recipe {
    check: Vec<Check>,
}

fn read(text: &str) -> Result<Check, String> {
    toml::from_str::<Recipe>(text)
        .map(|mut recipe| recipe.check.remove(0))
        .map_err(|error| error.message().to_owned())
}

fn problem(lines: &str) -> String {
    read(&format!("[[check]]\nname = \"n\"\n{lines}\n")).expect_err("it is no check")
}

#[test]
fn a_whole_check_is_read() {
    let check = read(
        r#"
        [[check]]
        name = "an echo"
        mpm = "prefork"
        modules = ["rewrite"]
        config = 'ProxyPass "/ws" "ws://{{backend.websocket}}/"'
        expect = { headers = { Upgrade = "websocket" }, absent-headers = ["Server"] }
        [check.websocket]
        path = "/ws?a=b"
        subprotocol = "chat"
        messages = [{ bytes = 0 }, { text = "hello" }, { bytes = 65536, kind = "text" }]
        "#,
    )
    .unwrap();
    assert_eq!(check.site.mpm, Some(Mpm::Prefork));
    let Action::WebSocket { websocket, expect } = check.action else { panic!("{check:?}") };
    assert_eq!(expect.status, 101);
    assert_eq!(expect.absent_headers, ["Server"]);
    assert_eq!(
        websocket.messages,
        [
            Message::Generated { bytes: 0, kind: MessageKind::Binary },
            Message::Text("hello".into()),
            Message::Generated { bytes: 65536, kind: MessageKind::Text },
        ]
    );
}

#[test]
fn a_request_is_a_get_that_expects_200() {
    let check = read("[[check]]\nname = \"n\"\nrequest = { path = \"/\" }").unwrap();
    let Action::Request { request, expect } = check.action else { panic!("{check:?}") };
    assert_eq!((request.method.as_str(), expect.status), ("GET", 200));
}

#[test]
fn requests_go_before_a_request_on_its_connection() {
    let check = read("[[check]]\nname = \"n\"\nrequest = { path = \"/b\", before = [{ path = \"/a\", method = \"HEAD\" }] }").unwrap();
    let Action::Request { request, .. } = check.action else { panic!("{check:?}") };
    assert_eq!((request.before[0].path.as_str(), request.before[0].method.as_str()), ("/a", "HEAD"));
    assert_eq!(
        problem("request = { path = \"/\", before = [{ path = \"/\", before = [{ path = \"/\" }] }] }"),
        "check `n`: `before` stands within `before`: put all requests into one list, in order"
    );
}

#[test]
fn exactly_one_action() {
    assert_eq!(problem(""), "check `n` does nothing: give it one of `directive`, `request` and `websocket`");
    assert_eq!(
        problem("directive = \"A\"\nrequest = { path = \"/\" }"),
        "check `n` has `directive` and `request`: give each a check of its own"
    );
}

#[test]
fn keys_need_their_companions() {
    assert_eq!(
        problem("rejected = \"no\"\nrequest = { path = \"/\" }"),
        "check `n`: `rejected` has no meaning without `directive`"
    );
    assert_eq!(
        problem("directive = \"A\"\nexpect = { status = 200 }"),
        "check `n`: `expect` has no meaning without `request` or `websocket`"
    );
    assert_eq!(
        problem("websocket = { path = \"/\", messages = [{ bytes = 1 }] }\nexpect = { status = 403 }"),
        "check `n`: `messages` has no meaning without a handshake that is expected to succeed (status 101)"
    );
}

#[test]
fn values_that_cannot_be_sent() {
    for (lines, message) in [
        ("request = { path = \"x\" }", "check `n`: `path` is \"x\", and must begin with `/`"),
        (
            "request = { path = \"/a b\" }",
            "check `n`: `path` is \"/a b\": write blanks and non-ASCII characters as %XX",
        ),
        (
            "request = { path = \"/\", method = \"G T\" }",
            "check `n`: `method` is \"G T\", which is no HTTP method",
        ),
        (
            "request = { path = \"/\", headers = { a = \"b\\r\\nc: d\" } }",
            "check `n`: `headers` has a line break in the value of \"a\"",
        ),
        (
            "request = { path = \"/\" }\nexpect = { status = 42 }",
            "check `n`: `status` is 42, which is no HTTP status",
        ),
        (
            "websocket = { path = \"/\", messages = [{}] }",
            "check `n`: `messages` has one with neither `text` nor `bytes`",
        ),
        (
            "websocket = { path = \"/\", messages = [{ bytes = 99999999 }] }",
            "check `n`: `messages` has one of 99999999 bytes; 16777216 is the most",
        ),
        (
            "modules = [\"mod_proxy\"]\ndirective = \"A\"",
            "check `n`: `modules` has \"mod_proxy\": leave out the `mod_`",
        ),
        (
            "modules = [\"../x\"]\ndirective = \"A\"",
            "check `n`: `modules` has \"../x\", which is no module's name",
        ),
        (
            "directive = \"A\"\nrejected = \"\"",
            "check `n`: `rejected` must be a part of httpd's message, since any mistake is refused somehow",
        ),
    ] {
        assert_eq!(problem(lines), message);
    }
}

#[test]
fn a_configuration_stays_in_its_folder() {
    for (config, reason) in [
        ("listen 80", "line 1 of `config`: listen is not for a recipe: httpd listens at {{port}}"),
        (
            "\n# Listen 80\nCustomLog \\\n '|touch /tmp/x' common",
            "line 3 of `config`: this CustomLog runs a program, which a recipe may not",
        ),
        (
            "RewriteMap a PRG:/bin/sh",
            "line 1 of `config`: this RewriteMap runs a program, which a recipe may not",
        ),
        (
            "CustomLog /tmp/log common",
            "line 1 of `config`: this CustomLog writes outside the check's folder: give a path beneath it, such as logs/a.log",
        ),
        (
            "CustomLog \"{{root}}/../log\" common",
            "line 1 of `config`: this CustomLog writes outside the check's folder: give a path beneath it, such as logs/a.log",
        ),
    ] {
        let text = toml::Value::String(config.to_owned());
        assert_eq!(problem(&format!("config = {text}\ndirective = \"A\"")), format!("check `n`: {reason}"));
    }
    let config = "CustomLog \"{{root}}/logs/access.log\" common\nProxyPass / ws://{{backend.websocket}}/";
    let text = toml::Value::String(config.to_owned());
    read(&format!("[[check]]\nname = \"n\"\nconfig = {text}\ndirective = \"A\"")).unwrap();
}

#[test]
fn unknown_keys_have_a_place() {
    let error =
        toml::from_str::<Recipe>("[[check]]\nname = \"n\"\nrequest = { path = \"/\", pth = 1 }").unwrap_err();
    let span = error.span().expect("serde's errors have a place");
    assert_eq!(span.start, 45, "{error}");
    let error = toml::from_str::<Recipe>("\n[[check]]\nname = \"n\"\n").unwrap_err();
    assert_eq!(error.span().map(|span| span.start), Some(1), "{error}");
}

#[test]
fn the_schema_knows_the_alternatives() {
    let schema = schemars::schema_for!(Check).to_value();
    assert_eq!(schema["title"], "Check");
    assert_eq!(schema["oneOf"][1]["required"][0], "request");
    assert_eq!(schema["additionalProperties"], false);
}
