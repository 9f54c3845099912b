//! What a person sees on a terminal of 80 columns, made with `script`.

use std::io::Write as _;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use crate::support::Place;

/// Runs a tool on a terminal; gives what it showed.
fn on_terminal(place: &Place, tool: &str, arguments: &str) -> String {
    let tool = match tool {
        "isi" => env!("CARGO_BIN_EXE_isi"),
        _ => env!("CARGO_BIN_EXE_isi_packager"),
    };
    let command = format!("stty cols 80 rows 24; {tool} {arguments}");
    let run = place.run("script", &["-qec", &command, "/dev/null"]);
    assert_eq!(run.code, Some(0), "{}", run.text());
    run.stdout
}

#[test]
fn a_table_fits_80_columns() {
    let place = Place::with_pki();
    let long = "A description that is much longer than any terminal of eighty columns can show";
    place.build_with("x.isi", &["--description", long], true);
    place.catalog(&["import", "x.isi"]).succeeded();
    let shown = on_terminal(&place, "isi", "--home home upgrade catalog list");
    assert!(shown.contains("Patch A description that is"), "{shown}");
    assert!(shown.contains("Total: 1"), "{shown}");
    for line in shown.lines() {
        assert!(line.trim_end().len() <= 80, "{line:?}");
    }
}

#[test]
fn long_work_shows_a_bar_that_is_gone_in_the_end() {
    let place = Place::new();
    let payload = std::fs::File::create(place.path("payload")).unwrap();
    payload.set_len(400 << 20).unwrap();
    let build = "create payload -o x.isi --type=generic --name=n --version=1";
    let shown = on_terminal(&place, "isi_packager", build);
    assert!(shown.contains("copy ["), "{shown:?}");
    assert!(shown.contains("400.00 MiB"), "{shown:?}");
    let last = shown.rsplit("\u{1b}[").next().unwrap();
    assert!(last.contains("wrote x.isi"), "{shown:?}");
    let quiet = on_terminal(&place, "isi_packager", &format!("{build} --overwrite -q"));
    assert_eq!(quiet.trim(), "");
}

#[test]
fn a_passphrase_is_asked_for_and_not_shown() {
    let place = Place::with_pki();
    place.unsigned("x.isi");
    let lock = [
        "pkcs8",
        "-topk8",
        "-in",
        "home/keys/signer.key",
        "-out",
        "locked.key",
    ];
    let lock = [
        &lock[..],
        &["-v2", "aes-256-cbc", "-passout", "pass:secret"],
    ]
    .concat();
    place.run("openssl", &lock).succeeded();
    let sign = "sign --package x.isi --key locked.key --cert home/keys/signer.pem";
    let sign = format!(
        "tty > terminal; exec {} {sign}",
        env!("CARGO_BIN_EXE_isi_packager")
    );
    let arguments = ["--echo", "always", "-qec", &sign, "/dev/null"];
    let mut command = place.command("script", &arguments);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // What comes before that is shown by the terminal, and forgotten by who asks.
    while !is_silent(&place) && child.try_wait().unwrap().is_none() {
        thread::sleep(Duration::from_millis(10));
    }
    child
        .stdin
        .as_mut()
        .unwrap()
        .write_all(b"secret\n")
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let run = place.finished(&output);
    assert!(
        run.stdout.contains("Passphrase of locked.key"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("signed x.isi"), "{}", run.stdout);
    assert!(!run.stdout.contains("secret"), "{}", run.stdout);
}

/// A question of several lines is shown as such, and only `yes` answers it.
#[test]
fn a_commit_asks_with_what_cannot_be_undone_on_lines_of_its_own() {
    let place = Place::with_pki();
    let image = ["--type", "onefs", "--name", "OS", "--release-counter", "1"];
    place.build_with("os.isi", &image, true);
    for command in [
        &["start", "--install-image-path", "os.isi"][..],
        &["bootenv", "select"],
        &["bootenv", "check"],
    ] {
        place.upgrade(command).succeeded();
    }
    let tool = env!("CARGO_BIN_EXE_isi");
    let commit = format!("stty cols 80; {tool} --home home upgrade commit");
    // What is typed would be shown wherever the output is just then.
    let arguments = ["--echo", "never", "-qec", &commit, "/dev/null"];
    let mut command = place.command("script", &arguments);
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = child.unwrap();
    let mut answers = child.stdin.take().unwrap();
    answers.write_all(b"no\n").unwrap();
    let run = place.finished(&child.wait_with_output().unwrap());
    drop(answers);
    let shown = run.stdout.replace('\r', "");
    let asked = "This makes OS-1.2.3 permanent. What cannot be undone:\n- the floor ";
    assert!(shown.contains(asked), "{shown}");
    assert!(shown.contains("the answer was not `yes`"), "{shown}");
    assert_eq!(run.code, Some(1), "{shown}");
}

/// Whether the terminal whose name is in a file does not show what is typed.
fn is_silent(place: &Place) -> bool {
    let name = std::fs::read_to_string(place.path("terminal")).unwrap_or_default();
    let settings = place.run("stty", &["-a", "-F", name.trim_end()]).stdout;
    settings.split_whitespace().any(|word| word == "-echo")
}

#[test]
fn a_readme_goes_through_the_pager_and_elsewhere_it_does_not() {
    let place = Place::with_pki();
    place.signed("x.isi");
    let readme = "-q --home home upgrade catalog readme --file x.isi";
    let page = |pager: &str| {
        let tool = env!("CARGO_BIN_EXE_isi");
        let command = format!("ISI_PAGER='{pager}' {tool} {readme}");
        let run = place.run("script", &["-qec", &command, "/dev/null"]);
        assert_eq!(run.code, Some(0), "{}", run.text());
        run.stdout.replace('\r', "")
    };
    let text = "Fix 1.2.3\n\nFixes things.\n";
    assert_eq!(
        page("cat -n"),
        "     1\tFix 1.2.3\n     2\t\n     3\tFixes things.\n"
    );
    assert_eq!(page("true"), "", "a reader who stops at once");
    for none in ["", " ", "/no/such/pager"] {
        assert_eq!(page(none), text, "{none:?}");
    }
    let mut command = place.command("isi", &readme.split(' ').collect::<Vec<_>>());
    let run = command.env("ISI_PAGER", "cat -n").output().unwrap();
    assert_eq!(place.finished(&run).stdout, text);
}
