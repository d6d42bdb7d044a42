//! Keycloak with its file database and the realms of `deploy/services/keycloak`.
//!
//! Had with Maven and configured once into the cache ("optimized", which makes later starts
//! seconds instead of half a minute); a home folder of this clone, which links to the program,
//! holds the database. What bites: it says "started" before it is ready, so it is asked; its
//! database can lose what it acknowledged a second before a kill, so it is stopped cleanly; it
//! imports a realm only where none of that name is, so a changed realm file means a new database.

use super::install;
use super::service::{Artifact, Place, Port, Service};
use crate::setup::{self, Group};
use crate::{process, run, workspace};
use anyhow::{Context, Result, bail};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

pub(super) const KEYCLOAK: Service = Service {
    name: "keycloak",
    version: "26.7.3",
    needs: &[Group::Java],
    artifact: Some(Artifact {
        folder: "keycloak-26.7.3-1",
        needs: &[Group::Maven],
        cost: "177 MB with Maven, then configured: about a minute",
        make: install,
    }),
    ports: &[
        Port {
            number: PORT,
            what: "HTTP",
        },
        Port {
            number: HEALTH_PORT,
            what: "health",
        },
    ],
    prepare,
    ready,
    start_within: Duration::from_secs(300),
    stop_within: Duration::from_secs(60),
};

const PORT: u16 = 18_080;
const HEALTH_PORT: u16 = 18_081;
const COORDINATE: &str = "org.keycloak:keycloak-quarkus-dist:26.7.3:zip";
/// The folder in the archive.
const UNPACKED: &str = "keycloak-26.7.3";
/// Realms that must be there, each a file of that name.
const REALMS: &[&str] = &["globex", "stoa"];
/// Experimental in this version, and what MCP asks of an authorization server: clients known by
/// the address of their metadata, and RFC 8707.
const FEATURES: &str = "cimd,resource-indicators";
/// A JVM that starts often and works little: without the optimising compiler it starts in a third
/// of the processor time.
const JAVA_OPTIONS: &str = "-XX:TieredStopAtLevel=1";

fn install(folder: &Path) -> Result<()> {
    let mut maven = install::maven(folder, "unpack")?;
    maven
        .arg(format!("-Dartifact={COORDINATE}"))
        .arg("-DoutputDirectory=unpacked");
    process::quiet("keycloak-install", &mut maven)?;
    let archive = install::scratch(folder).join("unpacked").join(UNPACKED);
    let parts =
        fs::read_dir(&archive).with_context(|| format!("{} is missing", archive.display()))?;
    for part in parts {
        let part = part?;
        fs::rename(part.path(), folder.join(part.file_name()))?;
    }
    let mut build = script(folder)?;
    build
        .args(["build", "--db=dev-file", "--health-enabled=true"])
        .arg(format!("--features={FEATURES}"));
    process::quiet("keycloak-build", &mut build)
}

fn script(installed: &Path) -> Result<Command> {
    let mut command = Command::new(installed.join("bin/kc.sh"));
    command
        .env("JAVA", setup::place("java")?)
        .env("JAVA_OPTS_APPEND", JAVA_OPTIONS)
        // A person's settings for other JVMs would replace what this one needs.
        .env_remove("JAVA_OPTS")
        .env_remove("JAVA_OPTS_KC_HEAP")
        .env_remove("JAVA_ADD_OPENS");
    Ok(command)
}

fn prepare(place: &Place) -> Result<Command> {
    let home = place.state.join("home");
    lay_out(&home, &place.installed)?;
    if realms_changed(&home)? {
        KEYCLOAK.say(
            "start",
            "the realm files are new or changed: a new database",
        );
        put_realms(&home)?;
    }
    let mut home_option = std::ffi::OsString::from("-Dkc.home.dir=");
    home_option.push(&home);
    let mut command = script(&place.installed)?;
    command
        .env("KC_BOOTSTRAP_ADMIN_USERNAME", "admin")
        .env("KC_BOOTSTRAP_ADMIN_PASSWORD", "admin-pw")
        .arg(home_option)
        .args(["start", "--optimized", "--import-realm", "--cache=local"])
        .args(["--http-enabled=true", "--http-host=127.0.0.1"])
        .arg(format!("--hostname=http://127.0.0.1:{PORT}"))
        .arg(format!("--http-port={PORT}"))
        .arg(format!("--http-management-port={HEALTH_PORT}"))
        // Ready shall mean ready.
        .arg("--server-async-bootstrap=false")
        .arg("--log-level=warn,io.quarkus:info");
    Ok(command)
}

/// A home folder that has the installed program and configuration, and a database of its own.
fn lay_out(home: &Path, installed: &Path) -> Result<()> {
    let import = home.join("data/import");
    fs::create_dir_all(&import).with_context(|| format!("cannot make {}", import.display()))?;
    for part in ["conf", "lib", "providers"] {
        let link = home.join(part);
        let target = installed.join(part);
        if fs::read_link(&link).is_ok_and(|current| current == target) {
            continue;
        }
        let _ = fs::remove_file(&link);
        symlink(&target, &link).with_context(|| format!("cannot link {}", link.display()))?;
    }
    Ok(())
}

fn realm_file(realm: &str) -> PathBuf {
    workspace::root().join(format!("deploy/services/keycloak/realm-{realm}.json"))
}

fn imported_file(home: &Path, realm: &str) -> PathBuf {
    home.join(format!("data/import/{realm}-realm.json"))
}

/// Whether what was imported last is not what the repository has now.
fn realms_changed(home: &Path) -> Result<bool> {
    for realm in REALMS {
        let file = realm_file(realm);
        let wanted = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        if fs::read(imported_file(home, realm)).ok() != Some(wanted) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Drops the database and lays the realms ready. The files come last: if this is interrupted, the
/// next start does it again.
fn put_realms(home: &Path) -> Result<()> {
    let database = home.join("data/h2");
    if database.exists() {
        fs::remove_dir_all(&database)
            .with_context(|| format!("cannot remove {}", database.display()))?;
    }
    for realm in REALMS {
        fs::copy(realm_file(realm), imported_file(home, realm))
            .with_context(|| format!("cannot copy the realm {realm}"))?;
    }
    Ok(())
}

fn ready() -> Result<()> {
    expect(HEALTH_PORT, "/health/ready")?;
    for realm in REALMS {
        expect(
            PORT,
            &format!("/realms/{realm}/.well-known/openid-configuration"),
        )?;
    }
    Ok(())
}

fn expect(port: u16, path: &str) -> Result<()> {
    match run::get(port, path) {
        Some(answer) if answer.starts_with("HTTP/1.1 200") => Ok(()),
        Some(answer) => bail!("{path}: {}", answer.lines().next().unwrap_or("nothing")),
        None => bail!("no answer on port {port} yet"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn realm(name: &str) -> Value {
        let text = fs::read_to_string(realm_file(name)).expect("it is in the repository");
        serde_json::from_str(&text).expect("JSON")
    }

    #[test]
    fn every_realm_has_its_file() {
        for name in REALMS {
            assert_eq!(realm(name)["realm"], *name);
        }
        let folder = workspace::root().join("deploy/services/keycloak");
        let files = fs::read_dir(folder)
            .expect("the folder is there")
            .filter_map(Result::ok)
            .filter(|entry| entry.file_name().to_string_lossy().ends_with(".json"))
            .count();
        assert_eq!(files, REALMS.len());
    }

    #[test]
    fn the_version_is_the_same_everywhere() {
        assert!(COORDINATE.contains(&format!(":{}:", KEYCLOAK.version)));
        assert!(UNPACKED.ends_with(KEYCLOAK.version));
    }

    #[test]
    fn every_client_and_user_is_described() {
        let path = workspace::root().join("deploy/services/keycloak/README.md");
        let text = fs::read_to_string(path).expect("it is in the repository");
        for name in REALMS {
            let realm = realm(name);
            let clients = realm["clients"].as_array().expect("clients").iter();
            let users = realm["users"].as_array().expect("users").iter();
            let names = clients
                .map(|client| &client["clientId"])
                .chain(users.map(|user| &user["username"]))
                .filter_map(Value::as_str)
                .filter(|name| !name.starts_with("service-account-"));
            for name in names {
                assert!(text.contains(&format!("`{name}`")), "{name}");
            }
        }
    }

    /// Keycloak leaves out, with no more than a warning, what a realm file does not define.
    #[test]
    fn whatever_a_client_or_user_names_is_defined() {
        for name in REALMS {
            let realm = realm(name);
            let names = |list: &Value, key: &str| -> Vec<String> {
                list.as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(|entry| entry[key].as_str().map(str::to_owned))
                    .collect()
            };
            let scopes = names(&realm["clientScopes"], "name");
            let roles = names(&realm["roles"]["realm"], "name");
            let words = |list: &Value| -> Vec<String> {
                let list = list.as_array().into_iter().flatten();
                list.filter_map(|word| word.as_str().map(str::to_owned))
                    .collect()
            };
            for client in realm["clients"].as_array().expect("clients") {
                for key in ["defaultClientScopes", "optionalClientScopes"] {
                    for scope in words(&client[key]) {
                        assert!(scopes.contains(&scope), "{}: {scope}", client["clientId"]);
                    }
                }
            }
            for user in realm["users"].as_array().expect("users") {
                for role in words(&user["realmRoles"]) {
                    assert!(roles.contains(&role), "{}: {role}", user["username"]);
                }
            }
        }
    }
}
