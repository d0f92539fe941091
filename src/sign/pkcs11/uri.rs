//! Names of keys in tokens: the URI of RFC 7512.

use std::fmt;
use std::path::PathBuf;

use super::Error;

/// A `pkcs11:` URI. There is never a PIN in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenUri {
    /// The token's label.
    pub(super) token: Option<String>,
    pub(super) manufacturer: Option<String>,
    pub(super) model: Option<String>,
    pub(super) serial: Option<String>,
    pub(super) slot: Option<u64>,
    /// The key's label.
    pub(super) object: Option<String>,
    pub(super) id: Option<Vec<u8>>,
    /// The library that knows the token.
    pub(super) module: Option<PathBuf>,
    /// The file whose first line is the PIN.
    pub(super) pin_source: Option<PathBuf>,
}

impl TokenUri {
    /// Reads a URI. Attributes that would be ignored are refused: a key is not to be chosen by half of its name.
    ///
    /// # Errors
    /// [`Error::Uri`], which never repeats a value.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let refuse = |reason: String| Err(Error::Uri { reason });
        let rest = text.strip_prefix("pkcs11:").unwrap_or(text);
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut uri = TokenUri::default();
        let mut seen = Vec::new();
        let path = path.split(';').filter(|part| !part.is_empty()).map(|part| (part, true));
        let query = query.split('&').filter(|part| !part.is_empty()).map(|part| (part, false));
        for (part, of_path) in path.chain(query) {
            let Some((name, value)) = part.split_once('=') else {
                return refuse("an attribute has no value".to_owned());
            };
            if name == "pin-value" {
                return refuse(
                    "it has the PIN in it, where everybody who lists processes sees it".to_owned(),
                );
            }
            let Some(value) = decode(value) else {
                return refuse(format!("the value of `{}` is badly escaped", shown(name)));
            };
            if seen.contains(&name) {
                return refuse(format!("`{}` is there twice", shown(name)));
            }
            seen.push(name);
            if of_path && name == "id" {
                uri.id = Some(value);
                continue;
            }
            let Ok(value) = String::from_utf8(value) else {
                return refuse(format!("the value of `{}` is not UTF-8", shown(name)));
            };
            match (of_path, name) {
                (true, "token") => uri.token = Some(value),
                (true, "manufacturer") => uri.manufacturer = Some(value),
                (true, "model") => uri.model = Some(value),
                (true, "serial") => uri.serial = Some(value),
                (true, "object") => uri.object = Some(value),
                (true, "slot-id") => match value.parse() {
                    Ok(slot) => uri.slot = Some(slot),
                    Err(_) => return refuse("`slot-id` is no number".to_owned()),
                },
                (true, "type") if value == "private" => {}
                (true, "type") => return refuse("only a private key (`type=private`) signs".to_owned()),
                (false, "module-path") => uri.module = Some(value.into()),
                (false, "pin-source") => {
                    let path = value.strip_prefix("file:").unwrap_or(&value);
                    let path = path.strip_prefix("//").filter(|path| path.starts_with('/')).unwrap_or(path);
                    if path.is_empty() || path.starts_with('|') {
                        return refuse("`pin-source` has to name a file".to_owned());
                    }
                    uri.pin_source = Some(path.into());
                }
                _ => return refuse(format!("`{}` is not known here", shown(name))),
            }
        }
        if [&uri.token, &uri.serial].into_iter().all(Option::is_none) && uri.slot.is_none() {
            return refuse("it names no token".to_owned());
        }
        Ok(uri)
    }
}

/// As it names a key, for messages: neither the module nor where the PIN is.
impl fmt::Display for TokenUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slot = self.slot.map(|slot| slot.to_string());
        let id = self.id.as_ref().map(|id| id.iter().map(|byte| format!("%{byte:02X}")).collect::<String>());
        let parts = [
            ("token", &self.token),
            ("manufacturer", &self.manufacturer),
            ("model", &self.model),
            ("serial", &self.serial),
            ("slot-id", &slot),
            ("object", &self.object),
            ("id", &id),
        ];
        let parts: Vec<String> = parts
            .iter()
            .filter_map(|(name, value)| Some(format!("{name}={}", value.as_ref()?.escape_debug())))
            .collect();
        write!(f, "pkcs11:{}", parts.join(";"))
    }
}

/// A name that was typed, short enough for a message.
fn shown(name: &str) -> String {
    name.chars().take(40).flat_map(char::escape_debug).collect()
}

/// Percent-decoding.
fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (high, low) = (digit(rest.next())?, digit(rest.next())?);
                // Two digits are a byte.
                (high * 16 + low) as u8
            }
            byte => byte,
        });
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_are_read() {
        let uri = TokenUri::parse(
            "pkcs11:token=Release%20keys;object=rpm;id=%01%fF;type=private?module-path=/usr/lib/x.so&pin-source=file:/run/pin",
        )
        .unwrap();
        assert_eq!(uri.token.as_deref(), Some("Release keys"));
        assert_eq!(uri.id.as_deref(), Some(&[1, 255][..]));
        assert_eq!(uri.module, Some("/usr/lib/x.so".into()));
        assert_eq!(uri.pin_source, Some("/run/pin".into()));
        assert_eq!(uri.to_string(), "pkcs11:token=Release keys;object=rpm;id=%01%FF");
        let uri = TokenUri::parse("pkcs11:slot-id=5?pin-source=file:///run/pin").unwrap();
        assert_eq!((uri.slot, uri.pin_source), (Some(5), Some("/run/pin".into())));
    }

    #[test]
    fn bad_uris_are_named_without_their_values() {
        for (bad, reason) in [
            ("pkcs11:", "names no token"),
            ("pkcs11:object=a", "names no token"),
            ("pkcs11:token=a;token=b", "twice"),
            ("pkcs11:token=a;colour=1234", "not known"),
            ("pkcs11:token=a?module-name=1234", "not known"),
            ("pkcs11:token=a?pin-value=1234", "PIN"),
            ("pkcs11:token=a?pin-source=%7Ccat 1234", "name a file"),
            ("pkcs11:token=a;type=cert", "private"),
            ("pkcs11:token=a;slot-id=x", "number"),
            ("pkcs11:token=%4", "escaped"),
            ("pkcs11:token=%ff", "UTF-8"),
            ("pkcs11:token", "no value"),
        ] {
            let error = TokenUri::parse(bad).unwrap_err().to_string();
            assert!(error.contains(reason) && !error.contains("1234"), "{bad}: {error}");
        }
    }
}
