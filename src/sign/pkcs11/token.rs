//! A private key of a token, found and logged in to.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error as Failure, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::{Slot, TokenInfo};
use cryptoki::types::AuthPin;

use super::super::raw::{Digest, RawPublic, RawSigner};
use super::super::{self as sign, Environment, Passphrase};
use super::{Error, TokenUri};
use crate::memo::Memo;

/// What knows the tokens of a machine where p11-kit is set up.
const DEFAULT_MODULE: &str = "p11-kit-proxy.so";
/// In front of a SHA-256 digest that RSA signs (RFC 8017, 9.2, note 1).
const DIGEST_INFO: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
    0x04, 0x20,
];
/// CKA_EC_PARAMS of NIST P-256: its object identifier.
const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// CKA_EC_PARAMS of Ed25519: its object identifier, or its name as PKCS#11 3.0 has it.
const ED25519: [&[u8]; 2] = [&[0x06, 0x03, 0x2b, 0x65, 0x70], b"\x13\x0cedwards25519"];

/// A library may be initialised once in a process, whoever asks; and it stays.
static MODULES: Memo<PathBuf, Pkcs11> = Memo::new();

/// A key of a token.
#[derive(Debug)]
pub(crate) struct Token {
    name: String,
    public: RawPublic,
    key: ObjectHandle,
    /// Logged in as long as it lives.
    session: Mutex<SessionOf>,
}

/// A session has no `Debug` form of its own.
struct SessionOf(Session);

impl std::fmt::Debug for SessionOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Session")
    }
}

impl Token {
    /// Loads the library, finds the token, logs in, once, and finds the key.
    pub(crate) fn open(uri: &TokenUri, environment: &Environment) -> Result<Self, sign::Error> {
        let module = load(uri.module.as_deref().unwrap_or(Path::new(DEFAULT_MODULE)))?;
        let (slot, info) = find(&module, uri)?;
        let failed = |error: Failure| failure(&info, &error);
        let session = module.open_ro_session(slot).map_err(failed)?;
        log_in(&session, &info, uri, environment)?;
        let key = find_key(&session, uri, &info)?;
        if flag(&session, key, AttributeType::AlwaysAuthenticate) {
            return Err(sign::Error::TokenKey {
                key: uri.to_string(),
                reason: "the token wants its PIN anew for each signature".to_owned(),
            });
        }
        let public = public(&session, key, uri).map_err(|reason| match reason {
            Unusable::Failed(error) => failure(&info, &error),
            Unusable::Key(reason) => sign::Error::TokenKey { key: uri.to_string(), reason },
        })?;
        Ok(Token { name: uri.to_string(), public, key, session: Mutex::new(SessionOf(session)) })
    }
}

impl RawSigner for Token {
    fn name(&self) -> &str {
        &self.name
    }

    fn public(&self) -> Result<RawPublic, sign::Error> {
        Ok(self.public.clone())
    }

    fn own(&self) -> Option<&RawPublic> {
        Some(&self.public)
    }

    fn sign(&self, _: &str, _: &str, digest: &Digest) -> Result<Vec<u8>, sign::Error> {
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let with_info;
        let (mechanism, data): (_, &[u8]) = match self.public {
            RawPublic::Rsa { .. } => {
                with_info = [&DIGEST_INFO[..], digest].concat();
                (Mechanism::RsaPkcs, &with_info)
            }
            RawPublic::Ed25519(_) => (Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Pure)), digest),
            RawPublic::P256(_) => (Mechanism::Ecdsa, digest),
        };
        session
            .0
            .sign(&mechanism, self.key, data)
            .map_err(|error| Error::Failed { token: self.name.clone(), reason: words(&error) }.into())
    }
}

fn load(path: &Path) -> Result<Pkcs11, Error> {
    let unusable = |error: &Failure| Error::Module { module: path.to_owned(), reason: words(error) };
    MODULES.once(path.to_owned(), || {
        let module = Pkcs11::new(path).map_err(|error| unusable(&error))?;
        match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            // The same library under another name.
            Ok(()) | Err(Failure::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(module),
            Err(error) => Err(unusable(&error)),
        }
    })
}

fn find(module: &Pkcs11, uri: &TokenUri) -> Result<(Slot, TokenInfo), Error> {
    let failed = |error: Failure| Error::Failed { token: uri.to_string(), reason: words(&error) };
    let mut fitting = Vec::new();
    for slot in module.get_slots_with_token().map_err(failed)? {
        // A token that was pulled out meanwhile, or that is not set up, is not the one.
        let Ok(info) = module.get_token_info(slot) else { continue };
        let is = |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|one| one == found);
        if info.token_initialized()
            && is(&uri.token, info.label())
            && is(&uri.manufacturer, info.manufacturer_id())
            && is(&uri.model, info.model())
            && is(&uri.serial, info.serial_number())
            && uri.slot.is_none_or(|wanted| wanted == slot.id())
        {
            fitting.push((slot, info));
        }
    }
    match (fitting.len(), fitting.pop()) {
        (1, Some(found)) => Ok(found),
        (0, _) | (_, None) => Err(Error::NoToken { token: uri.to_string() }),
        (count, _) => Err(Error::Ambiguous { what: "tokens", count, key: uri.to_string() }),
    }
}

/// One attempt and no more: each wrong one brings the token nearer to locking itself.
fn log_in(
    session: &Session,
    info: &TokenInfo,
    uri: &TokenUri,
    environment: &Environment,
) -> Result<(), sign::Error> {
    let token = || info.label().to_owned();
    if !info.login_required() {
        return Ok(());
    }
    if info.user_pin_locked() {
        return Err(Error::Locked { token: token() }.into());
    }
    if info.user_pin_final_try() {
        return Err(Error::LastAttempt { token: token() }.into());
    }
    let pin = match &uri.pin_source {
        Some(_) if environment.passphrase.get().is_some() => {
            return Err(sign::Error::TwoPassphrases {
                first: "pin-source of the token's URI".to_owned(),
                second: "the passphrase that is given besides".to_owned(),
            });
        }
        Some(path) => Passphrase::from_file(path)?,
        None => environment.passphrase.clone(),
    };
    // The library wipes its copy as well.
    let pin = pin.get().map(|pin| AuthPin::from(pin.to_owned()));
    // A reader with keys of its own asks there, where somebody sits in front of it.
    if pin.is_none() && !(info.protected_authentication_path() && environment.interactive) {
        return Err(Error::PinNeeded { token: token() }.into());
    }
    match session.login(UserType::User, pin.as_ref()) {
        // Another session of this process has logged in.
        Ok(()) | Err(Failure::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
        Err(error) => Err(failure(info, &error)),
    }
}

fn find_key(session: &Session, uri: &TokenUri, info: &TokenInfo) -> Result<ObjectHandle, sign::Error> {
    let mut wanted = vec![Attribute::Class(ObjectClass::PRIVATE_KEY)];
    wanted.extend(uri.object.as_ref().map(|label| Attribute::Label(label.clone().into_bytes())));
    wanted.extend(uri.id.as_ref().map(|id| Attribute::Id(id.clone())));
    let found = session.find_objects(&wanted).map_err(|error| failure(info, &error))?;
    match found[..] {
        [key] => Ok(key),
        [] => Err(Error::NoKey { key: uri.to_string() }.into()),
        _ => Err(Error::Ambiguous { what: "private keys", count: found.len(), key: uri.to_string() }.into()),
    }
}

/// Why a key's public half is not known.
enum Unusable {
    Failed(Failure),
    Key(String),
}

impl From<Failure> for Unusable {
    fn from(error: Failure) -> Self {
        Unusable::Failed(error)
    }
}

fn public(session: &Session, key: ObjectHandle, uri: &TokenUri) -> Result<RawPublic, Unusable> {
    let kind =
        session.get_attributes(key, &[AttributeType::KeyType])?.into_iter().find_map(|one| match one {
            Attribute::KeyType(kind) => Some(kind),
            _ => None,
        });
    match kind {
        // A private RSA key states its public numbers itself, most often.
        Some(KeyType::RSA) => match rsa(session, key)? {
            Some(public) => Ok(public),
            None => rsa(session, beside(session, key, uri)?)?
                .ok_or_else(|| Unusable::Key("its public object has no numbers".to_owned())),
        },
        Some(KeyType::EC | KeyType::EC_EDWARDS) => point(session, beside(session, key, uri)?),
        _ => Err(Unusable::Key("it is neither RSA nor Ed25519 nor ECDSA".to_owned())),
    }
}

fn rsa(session: &Session, key: ObjectHandle) -> Result<Option<RawPublic>, Failure> {
    let (mut n, mut e) = (None, None);
    for one in session.get_attributes(key, &[AttributeType::Modulus, AttributeType::PublicExponent])? {
        match one {
            Attribute::Modulus(bytes) if !bytes.is_empty() => n = Some(bytes),
            Attribute::PublicExponent(bytes) if !bytes.is_empty() => e = Some(bytes),
            _ => {}
        }
    }
    Ok(n.zip(e).map(|(n, e)| RawPublic::Rsa { n, e }))
}

/// The public object with the private one's id, or else with its label.
fn beside(session: &Session, key: ObjectHandle, uri: &TokenUri) -> Result<ObjectHandle, Unusable> {
    let id = session.get_attributes(key, &[AttributeType::Id])?.into_iter().find_map(|one| match one {
        Attribute::Id(id) if !id.is_empty() => Some(Attribute::Id(id)),
        _ => None,
    });
    let label = || uri.object.as_ref().map(|label| Attribute::Label(label.clone().into_bytes()));
    let found = match id.or_else(label) {
        Some(name) => session.find_objects(&[Attribute::Class(ObjectClass::PUBLIC_KEY), name])?,
        None => Vec::new(),
    };
    match found[..] {
        [public] => Ok(public),
        _ => Err(Unusable::Key("the token has no public object of the same id with it".to_owned())),
    }
}

fn point(session: &Session, key: ObjectHandle) -> Result<RawPublic, Unusable> {
    let (mut curve, mut point) = (Vec::new(), Vec::new());
    for one in session.get_attributes(key, &[AttributeType::EcParams, AttributeType::EcPoint])? {
        match one {
            Attribute::EcParams(bytes) => curve = bytes,
            Attribute::EcPoint(bytes) => point = bytes,
            _ => {}
        }
    }
    // A DER octet string, or what would be in one.
    let bare = |length: u8| match &point[..] {
        [0x04, stated, rest @ ..] if *stated == length && rest.len() == usize::from(length) => rest.to_vec(),
        other => other.to_vec(),
    };
    let public = if ED25519.contains(&&curve[..]) {
        <[u8; 32]>::try_from(bare(32)).map(RawPublic::Ed25519).ok()
    } else if curve == P256 {
        <[u8; 65]>::try_from(bare(65)).map(|point| RawPublic::P256(Box::new(point))).ok()
    } else {
        return Err(Unusable::Key("its curve is neither Ed25519 nor P-256".to_owned()));
    };
    public.ok_or_else(|| Unusable::Key("its public point has an unknown form".to_owned()))
}

fn flag(session: &Session, key: ObjectHandle, which: AttributeType) -> bool {
    let found = session.get_attributes(key, &[which]).unwrap_or_default();
    found.iter().any(|one| matches!(one, Attribute::AlwaysAuthenticate(true)))
}

fn failure(info: &TokenInfo, error: &Failure) -> sign::Error {
    let token = info.label().to_owned();
    match error {
        Failure::Pkcs11(RvError::PinLocked, _) => Error::Locked { token }.into(),
        Failure::Pkcs11(RvError::PinIncorrect | RvError::PinLenRange | RvError::PinInvalid, _) => {
            Error::WrongPin { token }.into()
        }
        Failure::Pkcs11(RvError::FunctionCanceled, _) => sign::Error::Cancelled { key: token },
        error => Error::Failed { token, reason: words(error) }.into(),
    }
}

/// The library explains each code in a paragraph; its name says as much.
fn words(error: &Failure) -> String {
    match error {
        Failure::Pkcs11(code, function) => format!("{function:?}: {code:?}"),
        error => error.to_string().lines().next().unwrap_or_default().trim_end_matches([':', ' ']).to_owned(),
    }
}
