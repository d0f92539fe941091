//! Texts that nobody should write: packs, and C that is cut anywhere. Nothing panics, and nothing takes long.

use std::time::{Duration, Instant};

use modgraft::adapt::pack;
use modgraft::c::expression::Code;

/// Numbers that are the same in each run (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit.max(1)).unwrap()).unwrap()
    }
}

/// What decides in C and in TOML.
const MARKS: &[u8] = b"(){}[];,.\"'\\#=*&->\n\t ";

/// A text with some of its bytes gone, doubled, swapped or replaced; always UTF-8.
fn damaged(text: &str, numbers: &mut Numbers) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=numbers.below(4) {
        let (at, length) = (numbers.below(bytes.len()), numbers.below(40));
        let end = (at + length).min(bytes.len());
        match numbers.below(5) {
            0 => drop(bytes.drain(at..end)),
            1 => bytes.truncate(end.max(1)),
            2 => {
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            3 => bytes[at] = MARKS[numbers.below(MARKS.len())],
            _ => drop(bytes.splice(at..at, "größe 本".bytes())),
        }
        if bytes.is_empty() {
            bytes.push(b'{');
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn a_damaged_pack_is_read_or_refused() {
    let mut numbers = Numbers(0x2545_f491_4f6c_dd1d);
    for name in ["common", "httpd-2.2", "httpd-2.4"] {
        let (_, text) = pack::built_in_file(name).unwrap();
        // One rule with its pack's head is damaged where it matters more often than a file of hundreds of lines.
        let (head, rules) = text.split_once("[[rule]]").unwrap();
        for rule in rules.split("[[rule]]") {
            for _ in 0..12 {
                let broken = damaged(&format!("{head}[[rule]]{rule}"), &mut numbers);
                if let Err(error) = pack::read(&broken, "broken.toml") {
                    assert!(!error.to_string().is_empty());
                }
            }
        }
    }
    for text in ["", "[pack]", "rule = 3", "\u{0}", "[[rule]]\n[[rule]]", "[pack]\nname = 1\n"] {
        assert!(pack::read(text, "broken.toml").is_err(), "{text:?}");
    }
}

/// Each form that `Code` reads, beside what only looks like it.
const C: &str = "#include \"a.h\"\n#define IP(r) \\\n    ((r)->connection \\\n     ->ip) /* r->ip */\n#define LOG(x) __FILE__, \"a\\\"b\", (x)\n\
    struct own { int a; struct { char *b; } c[4]; };\n/* größer: r->ip */\n\
    static int g(req *q) { return q->list[q->n + 1].name != NULL; }\n\
    static int f(req *r, conf_t *conf)\n{\n    conn *c = r->connection;\n    int (*call)(int, char) = g;\n\n\
    #if A\n    if (r->ip == 'x' && !(c->n & 3)) {\n    #else\n    if (call(1, ')')) {\n    #endif\n\
        (r->addr)->port = ap_get(f(x, \"a,b\", (char *) y), c)->value;\n    }\n    else\n        ++r->count, r->flags <<= 2, g(&r->ip);\n\
    for (;;) do { r->log = c->log; } while (0);\n    return sizeof(r->ip) ? r->a.b : (*r).c;\n}\n\
    AP_DECLARE_MODULE(x) =\n{ STUFF, NULL, NULL, NULL, NULL, cmds, hooks };\n";

/// Asks everything of every byte.
fn ask(text: &str) {
    let code = Code::new(text);
    for name in code.identifiers() {
        for at in code.uses(name) {
            assert_eq!(code.text(&at), name);
        }
        for call in code.calls(name) {
            for argument in &call.arguments {
                assert!(call.range.start < argument.start && argument.end <= call.range.end);
            }
        }
        code.macro_bodies(name);
    }
    code.initialiser("x_module");
    for offset in 0..=text.len() + 1 {
        code.call_at(offset);
        code.function_start(offset);
        code.pointer_in_scope("req", offset);
        code.statement(&(offset..offset + 1));
        code.enclosing_statement(&(offset..offset + 1));
        if let Some(access) = code.member_at(offset) {
            assert!(access.range.start <= access.object.start && access.member.end == access.range.end);
            assert!(!code.text(&access.range).is_empty() && !code.text(&access.object).is_empty());
            code.object_of(&access.object);
            code.assigned(&access);
            code.owner_by_member(&access.object, "req", "connection");
        }
    }
}

#[test]
fn c_that_is_cut_anywhere_is_read() {
    let began = Instant::now();
    for end in (0..=C.len()).filter(|end| C.is_char_boundary(*end)).step_by(5) {
        ask(&C[..end]);
        ask(&C[end..]);
    }
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    for _ in 0..600 {
        ask(&damaged(C, &mut numbers));
    }
    // Hundreds of texts, a thousand questions of each.
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
}

/// What nests or never closes costs no more than its length does.
#[test]
fn what_never_closes_takes_no_time() {
    let began = Instant::now();
    for part in ["(", "a(", "a[", "{", "a->", "}", ")", "/*", "\"", "#define a(", "a=(b)->c;", "*&", "++"] {
        let text = part.repeat(20_000 / part.len());
        let code = Code::new(&text);
        for offset in [0, 1, text.len() / 2, text.len() - 1] {
            code.member_at(offset);
            code.call_at(offset);
            code.function_start(offset);
            code.statement(&(offset..offset + 1));
            code.pointer_in_scope("req", offset);
        }
        code.initialiser("x_module");
    }
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}
