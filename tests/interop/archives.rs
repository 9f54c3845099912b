//! Legacy tools read the package file itself as its payload.

use crate::workshop::Workshop;

/// Lists and unpacks `x.isi` with a tool and compares the files.
fn reads(workshop: &Workshop, tool: &str, list: &str, extract: &str) {
    let listed = workshop.run_quietly(tool, &format!("{list} x.isi"));
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(
        listed.lines().any(|line| line.ends_with("a/b/text")),
        "{listed}"
    );
    std::fs::create_dir(workshop.path(tool)).unwrap();
    workshop.run_quietly(tool, &format!("{extract} x.isi -C {tool}"));
    workshop.run_quietly("diff", &format!("-r --no-dereference tree {tool}"));
}

#[test]
fn gnu_tar_reads_plain_tar() {
    let workshop = Workshop::new();
    workshop.package("--compression none");
    reads(&workshop, "tar", "-tf", "-xf");
}

#[test]
fn gnu_tar_reads_zstd() {
    let workshop = Workshop::new();
    workshop.package("--compression zstd");
    reads(&workshop, "tar", "--zstd -tf", "--zstd -xf");
}

#[test]
fn bsdtar_reads_plain_tar() {
    let workshop = Workshop::new();
    workshop.package("--compression none");
    reads(&workshop, "bsdtar", "-tf", "-xf");
}

#[test]
fn bsdtar_reads_zstd() {
    let workshop = Workshop::new();
    workshop.package("--compression zstd:19");
    reads(&workshop, "bsdtar", "-tf", "-xf");
}

#[test]
fn zstd_finds_one_valid_stream() {
    let workshop = Workshop::new();
    workshop.package("--readme tree/a/b/text");
    workshop.run("zstd", "-t x.isi");
    workshop.run("zstd", "-q -d x.isi -o x.tar");
    workshop.run_quietly("tar", "-tf x.tar");
}

#[test]
fn a_payload_of_another_tool_is_read_by_it_and_unpacked_by_us() {
    let workshop = Workshop::new();
    workshop.run("tar", "-C tree -cf p.tar .");
    workshop.run("tar", "-C tree --zstd -cf p.tar.zst .");
    for name in ["p.tar", "p.tar.zst"] {
        workshop.seal_into("x.isi", &format!("--payload {name} --overwrite"));
        workshop.run_quietly("tar", "-tf x.isi");
        workshop
            .packager("extract --package x.isi --region 1 --output out --home home --overwrite");
        workshop.run_quietly("cmp", &format!("out {name}"));
    }
}

#[test]
fn gnu_tar_warns_of_gzip_as_the_packager_says() {
    let workshop = Workshop::new();
    workshop.run("tar", "-C tree -czf p.tar.gz .");
    let created = workshop.output(
        env!("CARGO_BIN_EXE_isi_packager"),
        "create --payload p.tar.gz -o x.isi --type generic --name n --version 1",
    );
    assert!(String::from_utf8_lossy(&created.stderr).contains("warning: "));
    let listed = workshop.output("tar", "-tzf x.isi");
    assert_eq!(listed.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&listed.stdout).contains("a/b/text"));
}
