//! Certificates for servers that speak TLS, made by `openssl`.

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::process::Command;

/// An authority of its own, and what it signed for 127.0.0.1. Gone when dropped.
#[derive(Debug)]
pub struct Certificates {
    folder: TempDir,
}

impl Certificates {
    /// Makes them.
    ///
    /// # Panics
    /// There is no `openssl` (3.0 or newer).
    pub async fn make() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let made = Self { folder };
        openssl(
            made.folder.path(),
            "ca",
            &["-addext", "keyUsage=critical,keyCertSign,cRLSign"],
        )
        .await;
        for name in ["server", "client"] {
            let signed = [
                "-CA",
                "ca.crt",
                "-CAkey",
                "ca.key",
                "-addext",
                "basicConstraints=critical,CA:FALSE",
                "-addext",
                "subjectAltName=IP:127.0.0.1,DNS:localhost",
            ];
            openssl(made.folder.path(), name, &signed).await;
        }
        made
    }

    /// The authority's certificate.
    #[must_use]
    pub fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.crt")
    }

    /// A server's certificate and key.
    #[must_use]
    pub fn server(&self) -> (PathBuf, PathBuf) {
        self.pair("server")
    }

    /// A client's certificate and key.
    #[must_use]
    pub fn client(&self) -> (PathBuf, PathBuf) {
        self.pair("client")
    }

    /// Arguments with which `redis-server` (or a sentinel) speaks TLS.
    #[must_use]
    pub fn redis_args(&self) -> Vec<String> {
        let (certificate, key) = self.server();
        [
            ("--tls-cert-file", certificate),
            ("--tls-key-file", key),
            ("--tls-ca-cert-file", self.ca()),
        ]
        .into_iter()
        .flat_map(|(name, path)| [name.to_owned(), path.display().to_string()])
        .collect()
    }

    fn pair(&self, name: &str) -> (PathBuf, PathBuf) {
        let file = |ending| self.folder.path().join(format!("{name}.{ending}"));
        (file("crt"), file("key"))
    }
}

async fn openssl(folder: &Path, name: &str, more: &[&str]) {
    let (key, certificate, subject) = (format!("{name}.key"), format!("{name}.crt"), format!("/CN=test {name}"));
    let common = [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ];
    let output = Command::new("openssl")
        .current_dir(folder)
        .args(common)
        .args(["-keyout", &key, "-out", &certificate, "-subj", &subject])
        .args(more)
        .output()
        .await
        .expect("openssl is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
