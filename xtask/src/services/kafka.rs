//! Apache Kafka: one node that is broker and controller, with a plain, a TLS and a SASL listener.
//!
//! Had as libraries with Maven, because the distribution's archive is in no package registry. What
//! bites: 4.4.0 does not resolve (a module is missing); after a kill a single node refuses its own
//! registration until its old session has expired, so that session is short.

use super::install;
use super::ports;
use super::service::{Artifact, Place, Port, Service};
use crate::setup::{self, Group};
use crate::{process, workspace};
use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

pub(super) const KAFKA: Service = Service {
    name: "kafka",
    version: "4.3.1",
    needs: &[Group::Java],
    artifact: Some(Artifact {
        folder: "kafka-4.3.1-1",
        needs: &[Group::Maven],
        cost: "66 MB with Maven, about 10 s",
        make: install,
    }),
    ports: &[
        Port {
            number: PLAIN,
            what: "plain",
        },
        Port {
            number: 19_093,
            what: "TLS",
        },
        Port {
            number: 19_094,
            what: "SASL over TLS",
        },
        Port {
            number: 19_099,
            what: "controller",
        },
    ],
    prepare,
    ready,
    start_within: Duration::from_secs(120),
    stop_within: Duration::from_secs(60),
};

const PLAIN: u16 = 19_092;
/// Any cluster needs an id; a fixed one lets a client's cached metadata survive a wipe.
const CLUSTER_ID: &str = "4L6g3nShT-eMCtK--X86sw";
/// The SASL users: one who may do everything and one who may do nothing. Iterations are the least
/// that Kafka takes: nobody guards a test's password.
const SCRAM_USERS: [&str; 2] = [
    "SCRAM-SHA-512=[name=alice,iterations=4096,password=alice-secret]",
    "SCRAM-SHA-512=[name=guest,iterations=4096,password=guest-secret]",
];
/// Time for a broker on this machine to answer one small question.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// The broker and a logger that writes to standard error.
const POM: &str = "<project><modelVersion>4.0.0</modelVersion>
  <groupId>stoa</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>4.3.1</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
";

fn install(folder: &Path) -> Result<()> {
    fs::write(install::scratch(folder).join("pom.xml"), POM)?;
    let mut libraries = OsString::from("-DoutputDirectory=");
    libraries.push(folder.join("lib"));
    let mut maven = install::maven(folder, "copy-dependencies")?;
    maven.arg("-DincludeScope=runtime").arg(libraries);
    process::quiet("kafka-install", &mut maven)
}

/// Writes certificates and settings, and formats the data folder if there is none.
fn prepare(place: &Place) -> Result<Command> {
    let state = &place.state;
    let source = workspace::root().join("deploy/services/kafka");
    certificates(&state.join("tls"), &source.join("certificates.cnf"))?;
    let settings = state.join("server.properties");
    let template = source.join("server.properties");
    let text = fs::read_to_string(&template)
        .with_context(|| format!("cannot read {}", template.display()))?;
    let folder = state.to_str().context("Kafka reads paths in UTF-8 only")?;
    fs::write(&settings, text.replace("@STATE@", folder))?;
    if !state.join("data-2/meta.properties").is_file() {
        let mut format = java(place, "kafka.tools.StorageTool")?;
        format
            .args(["format", "--cluster-id", CLUSTER_ID])
            .args(SCRAM_USERS.iter().flat_map(|user| ["--add-scram", user]))
            .arg("--config")
            .arg(&settings);
        process::quiet("kafka-format", &mut format)?;
    }
    let mut command = java(place, "kafka.Kafka")?;
    command.arg(settings);
    Ok(command)
}

fn java(place: &Place, class: &str) -> Result<Command> {
    let mut libraries = OsString::from(place.installed.join("lib"));
    libraries.push("/*");
    let mut command = Command::new(setup::place("java")?);
    command
        .args(["-Xms256m", "-Xmx512m", "-XX:+UseG1GC"])
        .args([
            "-Djava.awt.headless=true",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSS",
            "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
        ])
        .arg("-cp")
        .arg(libraries)
        .arg(class);
    Ok(command)
}

/// An authority, and a server certificate for this machine with its key, as Kafka's PEM keystore
/// wants them: key, certificate, authority in one file.
fn certificates(folder: &Path, settings: &Path) -> Result<()> {
    if folder.join("server.pem").is_file() {
        return Ok(());
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let openssl = |words: &str| {
        let mut command = Command::new(setup::place("openssl")?);
        command
            .current_dir(folder)
            .args(words.split_whitespace())
            .env("OPENSSL_CONF", settings);
        process::quiet("kafka-certificates", &mut command)
    };
    openssl(
        "req -x509 -newkey rsa:2048 -noenc -days 3650 -subj /CN=stoa-test-authority \
         -extensions authority -keyout ca.key -out ca.crt",
    )?;
    openssl(
        "req -new -newkey rsa:2048 -noenc -subj /CN=localhost -keyout server.key -out server.csr",
    )?;
    let extensions = settings.to_str().context("openssl reads UTF-8 only")?;
    let mut sign = Command::new(setup::place("openssl")?);
    sign.current_dir(folder)
        .args("x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial".split(' '))
        .args("-days 3650 -out server.crt -extensions server -extfile".split(' '))
        .arg(extensions);
    process::quiet("kafka-certificates", &mut sign)?;
    let mut chain = Vec::new();
    for part in ["server.key", "server.crt", "ca.crt"] {
        chain.extend(fs::read(folder.join(part)).with_context(|| format!("no {part}"))?);
    }
    Ok(fs::write(folder.join("server.pem"), chain)?)
}

/// Asks the broker which requests it knows, which it answers only once it serves clients.
fn ready() -> Result<()> {
    let mut stream = ports::connect(PLAIN)?;
    stream.set_read_timeout(Some(ANSWER_WITHIN))?;
    stream.set_write_timeout(Some(ANSWER_WITHIN))?;
    stream.write_all(&QUESTION)?;
    let mut answer = [0; 10];
    stream
        .read_exact(&mut answer)
        .context("the broker listens and does not answer yet")?;
    accepted(answer)?;
    for port in &KAFKA.ports[1..] {
        ports::connect(port.number)?;
    }
    Ok(())
}

/// `ApiVersions` version 0, which every Kafka since 0.10 knows: size 12, key 18, version 0,
/// correlation 7, client `up`.
const QUESTION: [u8; 16] = [0, 0, 0, 12, 0, 18, 0, 0, 0, 0, 0, 7, 0, 2, b'u', b'p'];

/// Reads size, correlation and error code of the answer.
fn accepted(answer: [u8; 10]) -> Result<()> {
    let [_, _, _, _, correlation @ .., high, low] = answer;
    let error = i16::from_be_bytes([high, low]);
    if correlation != [0, 0, 0, 7] {
        bail!("who listens on port {PLAIN} does not speak Kafka's protocol");
    }
    if error != 0 {
        bail!("the broker answers with error {error}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_kafkas_answer_counts() {
        let check = |answer: [u8; 10], expected: &str| {
            let said = accepted(answer).map_or_else(|error| error.to_string(), |()| "ok".into());
            assert!(said.contains(expected), "{said}");
        };
        check([0, 0, 1, 2, 0, 0, 0, 7, 0, 0], "ok");
        check([0, 0, 1, 2, 0, 0, 0, 7, 0, 35], "error 35");
        check(*b"HTTP/1.1 4", "does not speak");
    }

    #[test]
    fn the_question_says_its_own_size() {
        let size = u32::from_be_bytes([QUESTION[0], QUESTION[1], QUESTION[2], QUESTION[3]]);
        assert_eq!(size as usize, QUESTION.len() - 4);
    }

    #[test]
    fn the_settings_listen_on_the_ports_of_the_table() {
        let path = workspace::root().join("deploy/services/kafka/server.properties");
        let text = fs::read_to_string(path).expect("it is in the repository");
        let listeners = text
            .lines()
            .find_map(|line| line.strip_prefix("listeners="))
            .expect("a line with listeners");
        assert_eq!(listeners.split(',').count(), KAFKA.ports.len());
        for port in KAFKA.ports {
            let address = format!("127.0.0.1:{}", port.number);
            assert!(listeners.contains(&address), "{listeners} lacks {address}");
        }
        assert!(POM.contains(&format!(">{}<", KAFKA.version)));
    }
}
