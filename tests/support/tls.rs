//! TLS with a certificate that was made for one test run.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, OnceLock};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A self-signed certificate for 127.0.0.1 and its key, as PEM files.
#[derive(Debug)]
pub struct Identity {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// Made by openssl, once in a test binary.
pub fn identity() -> &'static Identity {
    static IDENTITY: OnceLock<Identity> = OnceLock::new();
    IDENTITY.get_or_init(|| {
        let folder = super::scratch("tls");
        let identity = Identity { certificate: folder.join("certificate.pem"), key: folder.join("key.pem") };
        super::run(
            Command::new("openssl")
                .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
                .args(["-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"])
                .args(["-addext", "basicConstraints=critical,CA:FALSE"])
                .arg("-keyout")
                .arg(&identity.key)
                .arg("-out")
                .arg(&identity.certificate),
        );
        identity
    })
}

pub fn certificate() -> CertificateDer<'static> {
    CertificateDer::from_pem_file(&identity().certificate).unwrap()
}

/// For the server's side.
pub fn server_config() -> Arc<ServerConfig> {
    let key = PrivateKeyDer::from_pem_file(&identity().key).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate()], key);
    Arc::new(config.unwrap())
}
