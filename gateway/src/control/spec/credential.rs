//! What an upstream asks for, and where the secret is kept.
//!
//! A document names a file or an environment variable; the secret itself is read by
//! [`crate::control::compile`] and lives in a [`Secret`], which no formatter shows.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// How a call proves itself to the upstream; `S` is [`SecretSource`] as written and [`Secret`] once
/// resolved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Credential<S = SecretSource> {
    /// A cookie whose value is the secret.
    ApiKeyCookie {
        /// Name of the cookie.
        name: String,
        /// The key.
        secret: S,
    },
    /// A header whose value is the secret.
    ApiKeyHeader {
        /// Name of the header.
        name: String,
        /// The key.
        secret: S,
    },
    /// A query parameter whose value is the secret.
    ApiKeyQuery {
        /// Name of the parameter.
        name: String,
        /// The key.
        secret: S,
    },
    /// RFC 7617.
    Basic {
        /// User; where absent, the secret is `user:password`.
        username: Option<String>,
        /// Password, or both.
        secret: S,
    },
    /// `Authorization: Bearer`.
    Bearer(S),
    /// Nothing is asked for.
    #[default]
    None,
}

impl<S> Credential<S> {
    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// The same credential with what `resolve` makes of its secret.
    ///
    /// # Errors
    /// Whatever `resolve` answers.
    pub fn resolve<T, E>(
        &self,
        resolve: impl FnOnce(&S) -> Result<T, E>,
    ) -> Result<Credential<T>, E> {
        Ok(match self {
            Self::ApiKeyCookie { name, secret } => Credential::ApiKeyCookie {
                name: name.clone(),
                secret: resolve(secret)?,
            },
            Self::ApiKeyHeader { name, secret } => Credential::ApiKeyHeader {
                name: name.clone(),
                secret: resolve(secret)?,
            },
            Self::ApiKeyQuery { name, secret } => Credential::ApiKeyQuery {
                name: name.clone(),
                secret: resolve(secret)?,
            },
            Self::Basic { username, secret } => Credential::Basic {
                username: username.clone(),
                secret: resolve(secret)?,
            },
            Self::Bearer(secret) => Credential::Bearer(resolve(secret)?),
            Self::None => Credential::None,
        })
    }
}

/// Where a secret is kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SecretSource {
    /// Name of an environment variable of the gateway.
    Environment(String),
    /// A file; its last line break is not part of the secret.
    File(PathBuf),
}

/// A secret that was read. Neither `Debug` nor serde shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Keeps a secret.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Arc::from(text))
    }

    /// The secret itself: for the request that needs it, never for a log or an error.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("***")
    }
}

/// `authentication` of a Tool or ToolSet, as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Authentication {
    /// `none`, `bearer`, `basic`, `apiKey`, `oauth2`.
    #[serde(rename = "type", default)]
    pub kind: AuthenticationKind,
    /// A Secret of the cluster: understood, and refused where there is no cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretRef>,
    /// File with the secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_file: Option<PathBuf>,
    /// Environment variable with the secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_env: Option<String>,
    /// Header of an API key (`X-API-Key` where no place is named).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header_name: Option<String>,
    /// Query parameter of an API key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query_name: Option<String>,
    /// Cookie of an API key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cookie_name: Option<String>,
    /// User of basic authentication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
}

/// `authentication.type`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AuthenticationKind {
    /// An API key.
    ApiKey,
    /// RFC 7617.
    Basic,
    /// A bearer token.
    Bearer,
    /// Nothing.
    #[default]
    None,
    /// Client credentials: refused, this version cannot fetch tokens.
    Oauth2,
}

/// `secretRef`: a name, or a name with the key inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SecretRef {
    /// `secretRef: my-secret`.
    Name(String),
    /// `secretRef: {name: my-secret, key: token}`.
    NameAndKey {
        /// Name of the Secret.
        name: String,
        /// Entry within it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
    },
}

impl Authentication {
    /// What the words mean.
    ///
    /// # Errors
    /// A sentence for the person who wrote them.
    pub fn credential(&self) -> Result<Credential, String> {
        if self.kind == AuthenticationKind::None {
            return if *self == Self::default() {
                Ok(Credential::None)
            } else {
                Err("a secret is named, but `type` is missing or `none`; write `type: bearer`, `basic` or `apiKey`".into())
            };
        }
        if self.kind == AuthenticationKind::Oauth2 {
            return Err(
                "`oauth2` is not in this version; fetch the token outside and name its file with `type: bearer` and `secretFile`".into(),
            );
        }
        let secret = self.source()?;
        self.check_places()?;
        Ok(match self.kind {
            AuthenticationKind::Bearer => Credential::Bearer(secret),
            AuthenticationKind::Basic => Credential::Basic {
                username: self.username.clone(),
                secret,
            },
            _ => match (&self.header_name, &self.query_name, &self.cookie_name) {
                (_, Some(name), _) => Credential::ApiKeyQuery {
                    name: name.clone(),
                    secret,
                },
                (_, _, Some(name)) => Credential::ApiKeyCookie {
                    name: name.clone(),
                    secret,
                },
                (name, _, _) => Credential::ApiKeyHeader {
                    name: name.clone().unwrap_or_else(|| "X-API-Key".to_owned()),
                    secret,
                },
            },
        })
    }

    fn source(&self) -> Result<SecretSource, String> {
        match (&self.secret_file, &self.secret_env, &self.secret_ref) {
            (Some(file), None, None) => Ok(SecretSource::File(file.clone())),
            (None, Some(name), None) => Ok(SecretSource::Environment(name.clone())),
            (None, None, Some(_)) => Err(
                "`secretRef` names a Secret of a cluster, and a catalog directory has none; write `secretFile: PATH` or `secretEnv: NAME`".into(),
            ),
            (None, None, None) => {
                Err("no secret is named; write `secretFile: PATH` or `secretEnv: NAME`".into())
            }
            _ => Err("name one of `secretFile`, `secretEnv` and `secretRef`, not several".into()),
        }
    }

    fn check_places(&self) -> Result<(), String> {
        let places = [&self.header_name, &self.query_name, &self.cookie_name];
        let named = places.iter().filter(|place| place.is_some()).count();
        if self.kind != AuthenticationKind::ApiKey && named > 0 {
            return Err(
                "`headerName`, `queryName` and `cookieName` belong to `type: apiKey`".into(),
            );
        }
        if named > 1 {
            return Err(
                "name one of `headerName`, `queryName` and `cookieName`, not several".into(),
            );
        }
        if self.username.is_some() && self.kind != AuthenticationKind::Basic {
            return Err("`username` belongs to `type: basic`".into());
        }
        Ok(())
    }
}

impl From<&Credential> for Authentication {
    fn from(credential: &Credential) -> Self {
        let mut written = Self::default();
        let secret = match credential {
            Credential::ApiKeyCookie { name, secret } => {
                written.kind = AuthenticationKind::ApiKey;
                written.cookie_name = Some(name.clone());
                secret
            }
            Credential::ApiKeyHeader { name, secret } => {
                written.kind = AuthenticationKind::ApiKey;
                written.header_name = Some(name.clone());
                secret
            }
            Credential::ApiKeyQuery { name, secret } => {
                written.kind = AuthenticationKind::ApiKey;
                written.query_name = Some(name.clone());
                secret
            }
            Credential::Basic { username, secret } => {
                written.kind = AuthenticationKind::Basic;
                written.username.clone_from(username);
                secret
            }
            Credential::Bearer(secret) => {
                written.kind = AuthenticationKind::Bearer;
                secret
            }
            Credential::None => return written,
        };
        match secret {
            SecretSource::Environment(name) => written.secret_env = Some(name.clone()),
            SecretSource::File(path) => written.secret_file = Some(path.clone()),
        }
        written
    }
}

impl Serialize for Credential {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        Authentication::from(self).serialize(out)
    }
}

impl<'de> Deserialize<'de> for Credential {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Authentication::deserialize(from)?
            .credential()
            .map_err(serde::de::Error::custom)
    }
}
