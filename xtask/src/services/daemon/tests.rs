//! Daemons of `sh` and `sleep`: found again, measured, stopped with everything they started.

use super::*;

/// A folder for one test, empty.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("stoa-daemon-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("the temporary folder is writable");
    folder
}

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

/// Waits until `condition` holds; a test that waits in vain fails by its assertion afterwards.
fn wait_until(condition: impl Fn() -> bool) {
    let begun = process::now();
    while !condition() && begun.elapsed() < Duration::from_secs(20) {
        crate::run::pause();
    }
}

#[test]
fn it_is_found_again_and_stopped_with_its_children() {
    let folder = folder("found");
    let mut command = shell("echo \"$WORD\"; sleep 600 & sleep 600");
    command.env("WORD", "hello");
    let started = Daemon::start(&folder, &command).expect("sh starts");
    let log = folder.join("log");
    wait_until(|| fs::read_to_string(&log).is_ok_and(|text| text == "hello\n"));
    wait_until(|| started.members().len() == 3);
    let found = Daemon::find(&folder).expect("it lives");
    assert_eq!(found.pid(), started.pid());
    assert_eq!(found.members().len(), 3, "the shell and two children");
    assert!(found.memory_bytes() > 0);
    assert!(found.age().is_some());
    let outcome = found.stop(Duration::from_secs(20), || ()).expect("stops");
    assert_eq!(outcome, Stopped::ByTerm);
    assert!(!started.is_alive());
    assert!(Daemon::find(&folder).is_none());
    assert!(!folder.join("pid").exists());
    fs::remove_dir_all(folder).expect("nothing holds it");
}

#[test]
fn one_that_ignores_term_is_killed() {
    let folder = folder("stubborn");
    let script = "trap '' TERM; echo deaf; while :; do sleep 600; done";
    let daemon = Daemon::start(&folder, &shell(script)).expect("sh starts");
    wait_until(|| fs::read_to_string(folder.join("log")).is_ok_and(|text| text == "deaf\n"));
    let mut asked = 0;
    let outcome = daemon
        .stop(Duration::from_millis(200), || asked += 1)
        .expect("stops");
    assert_eq!(outcome, Stopped::ByKill);
    assert!(asked > 0, "progress is told while waiting");
    assert!(!daemon.is_alive());
    fs::remove_dir_all(folder).expect("nothing holds it");
}

#[test]
fn an_orphan_of_a_killed_leader_still_counts() {
    let folder = folder("orphan");
    let daemon = Daemon::start(&folder, &shell("sleep 600 & echo; wait")).expect("sh starts");
    wait_until(|| daemon.members().len() == 2);
    let leader = daemon.pid().to_string();
    let status = Command::new("kill").args(["-9", &leader]).status();
    assert!(status.expect("kill runs").success());
    wait_until(|| daemon.members().len() == 1);
    let found = Daemon::find(&folder).expect("the child lives");
    found.stop(Duration::from_secs(20), || ()).expect("stops");
    assert!(!daemon.is_alive());
    fs::remove_dir_all(folder).expect("nothing holds it");
}

#[test]
fn a_process_that_ended_is_not_alive_and_left_its_words() {
    let folder = folder("ended");
    let daemon = Daemon::start(&folder, &Command::new("no-such-program-here")).expect("sh starts");
    wait_until(|| !daemon.is_alive());
    assert!(!daemon.is_alive());
    assert!(Daemon::find(&folder).is_none());
    let log = fs::read_to_string(folder.join("log")).expect("a log");
    assert!(log.contains("no-such-program-here"), "{log}");
    Daemon::start(&folder, &shell("echo again")).expect("sh starts");
    wait_until(|| fs::read_to_string(folder.join("log")).is_ok_and(|text| text == "again\n"));
    let old = fs::read_to_string(folder.join("log.old")).expect("the log before");
    assert_eq!(old, log);
    fs::remove_dir_all(folder).expect("nothing holds it");
}

#[test]
fn a_process_id_that_now_is_somebody_elses_is_not_ours() {
    let folder = folder("reused");
    // A real group, but one that works elsewhere: ours.
    let own = fs::read_to_string("/proc/self/stat").expect("Linux");
    let group = living_group(&own).expect("this process lives");
    fs::write(folder.join("pid"), format!("{group}\n")).expect("writable");
    assert!(Daemon::find(&folder).is_none());
    fs::write(folder.join("pid"), "no number\n").expect("writable");
    assert!(Daemon::find(&folder).is_none());
    fs::remove_dir_all(folder).expect("nothing holds it");
}

#[test]
fn the_kernels_texts_are_read() {
    let check = |text, expected| assert_eq!(living_group(text), expected, "{text}");
    check("17 (java) S 1 15 15 0 -1", Some(15));
    check("17 (a) b (c)) R 1 99 15 0 -1", Some(99));
    check("17 (java) Z 1 15 15 0 -1", None);
    check("17 (java) X 1 15 15 0 -1", None);
    check("17 (java", None);
    check("", None);
    assert_eq!(
        resident_bytes("Name:\tjava\nVmRSS:\t    2048 kB\n"),
        Some(2_097_152)
    );
    assert_eq!(resident_bytes("Name:\tkthread\n"), None);
}
