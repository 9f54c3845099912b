//! What is said beside data and errors: how much, and that it is told where it is.

use std::fs;
use std::os::unix::fs::FileExt as _;

use crate::lock::Holder;
use crate::support::Place;

#[test]
fn v_says_what_the_work_is_done_with_and_twice_says_more() {
    let place = Place::with_pki();
    place.signed("one.isi");
    place.catalog(&["import", "one.isi"]).succeeded();
    let list = |more: &[&str]| {
        let run = place.catalog(&[&["list"], more].concat()).succeeded();
        assert!(run.stdout.ends_with("Total: 1\n"), "{}", run.stdout);
        run.stderr
    };
    assert_eq!(list(&[]), "");
    assert_eq!(list(&["--quiet"]), "");
    let once = list(&["-v"]);
    for line in [
        "configuration: home/upgrade.toml, which is not there\n",
        "catalog: home/catalog\n",
        "trust: home/trust/certs, home/trust/identities.toml\n",
    ] {
        assert_eq!(once.matches(line).count(), 1, "{once}");
    }
    let verify = ["verify", "--package", "one.isi", "--home", "home"];
    let more = place.packager(&[&verify[..], &["-v"]].concat()).succeeded();
    assert!(
        more.stderr.contains("trust: home/trust/"),
        "{}",
        more.stderr
    );

    // Steps of an upgrade are of interest to who looks for a mistake of ours.
    place.write("image/etc/release", "some\n");
    let image = place.image("1.0", "1", &[]);
    let start = |more: &[&str]| {
        let start = ["start", "--install-image-path", &image, "--root"];
        place
            .upgrade(&[&start[..], more].concat())
            .succeeded()
            .stderr
    };
    let step = "isi_catalog::upgrade::engine: ";
    assert!(!start(&["one", "-v"]).contains(step));
    assert!(start(&["two", "-vv"]).contains(step));
}

#[test]
fn what_goes_wrong_beside_the_work_is_a_warning() {
    let place = Place::with_pki();
    place.signed("one.isi");
    place.build_with("two.isi", &["--name", "two"], true);
    place.catalog(&["import", "one.isi"]).succeeded();
    let file = fs::File::options().write(true).open(place.path("two.isi"));
    let file = file.unwrap();
    // No payload begins like this.
    file.write_all_at(b"x", 0).unwrap();
    // Reading goes on beside it, and a refusal is written.
    let Some(_reader) = Holder::of(&place, "home/catalog/lock", "--shared") else {
        return;
    };
    let import = |more: &[&str]| {
        let import = ["import", "two.isi", "--lock-timeout", "0"];
        let run = place.catalog(&[&import[..], more].concat());
        run.refused(4, "E_HASH_MISMATCH");
        run.stderr
    };
    let warning = "warning: the refusal could not be recorded code=\"E_LOCKED\"\n";
    let said = import(&[]);
    assert!(said.contains(warning), "{said}");
    assert!(!import(&["--quiet"]).contains("warning"));
}
