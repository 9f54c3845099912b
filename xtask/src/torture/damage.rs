//! `damage`: catalogs that something else spoilt, and what `repair` makes of them.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{FileExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use super::invariants::{Broken, Findings, Invariant, cleaned, nothing_deleted, twice, whole};
use super::place::{Place, copy, remove, told};
use super::points::{Row, Verdict, go_through};
use super::random::Random;
use super::state::{State, walk};
use super::world::World;
use super::{Torture, kept};
use crate::shell::{Outcome, failure};

/// Catalogs damaged in the long and in the short version.
const CATALOGS: [u64; 2] = [1_000, 20];
/// The most that happens to one catalog.
const MOST: usize = 4;

/// Something that happens to a catalog; tells what it was.
type Damage = fn(&Damaged<'_>, &mut Random) -> Outcome<String>;

const TO_ARTIFACTS: &[Damage] = &[
    flip_artifact,
    truncate_artifact,
    lengthen_artifact,
    delete_artifact,
    delete_directory,
    swap_artifacts,
    rename_directory,
    rename_shard,
    second_copy,
    instead_of_artifact,
    other_mode,
    foreign_file,
];

const TO_DATABASE: &[Damage] = &[
    flip_database,
    truncate_database,
    delete_database,
    garbage_database,
    older_database,
    forget_rows,
    stray_journal,
    flip_mirror,
    truncate_mirror,
    delete_mirror,
];

/// A catalog that is being damaged.
struct Damaged<'a> {
    place: &'a Place,
    world: &'a World,
    /// The same catalog when it held less.
    older: &'a Place,
}

/// Damages catalogs, repairs each, and looks for what was lost.
pub fn run(torture: &Torture) -> Outcome<Row> {
    let root = torture.scratch.join("damage");
    let [place, older] = prepare(torture, &root)?;
    let sound = State::look(&place, &root)?;
    let [long, short] = CATALOGS;
    let count = if torture.options.short { short } else { long };
    let seeds: Vec<u64> = (0..count)
        .map(|number| torture.options.seed + number)
        .collect();
    let kept = kept("damage", "repair");
    go_through(
        "damage",
        "repair",
        &seeds,
        &torture.scratch,
        &kept,
        |_| Ok(()),
        |seed, directory, ()| {
            let place = place.copy_to(&directory.join("place"))?;
            let damaged = Damaged {
                place: &place,
                world: &torture.world,
                older: &older,
            };
            let mut random = Random::new(*seed);
            let mut told = format!("seed {seed}");
            for _ in 0..=random.below(MOST) {
                let kinds = if random.below(3) == 0 {
                    TO_DATABASE
                } else {
                    TO_ARTIFACTS
                };
                let Some(damage) = random.pick(kinds) else {
                    continue;
                };
                told = format!("{told}; {}", damage(&damaged, &mut random)?);
            }
            let broken = repair(torture, &place, &sound, directory)?;
            Ok((told, Verdict::Reached(broken)))
        },
    )
}

/// A catalog of seven packages, one of them pinned, and what it was when it held three.
fn prepare(torture: &Torture, root: &Path) -> Outcome<[Place; 2]> {
    fs::create_dir_all(root)?;
    let place = Place::create(
        &root.join("place"),
        &torture.world,
        &torture.world.packages(),
    )?;
    for name in ["one", "two", "three"] {
        place.expect(&format!("import packages/{name}.isi"), 0)?;
    }
    let older = place.copy_to(&root.join("older"))?;
    for name in ["four", "five", "six", "seven"] {
        place.expect(&format!("import packages/{name}.isi"), 0)?;
    }
    let pin = torture.world.fill("pin --id {three} --reason 'rack 4'");
    place.expect(&pin, 0)?;
    Ok([place, older])
}

/// Repairs a damaged catalog, and checks what came of it.
fn repair(torture: &Torture, place: &Place, sound: &State, scratch: &Path) -> Outcome<Vec<Broken>> {
    let mut found = Findings::default();
    let trusted = torture.world.trusted();
    let before = State::look(place, scratch)?;
    let mut output = place.run("repair --force")?;
    if told(&output).contains("E_DATABASE_NEWER") {
        // As the hint of this refusal says: what no program of today can read is for a person to move.
        remove(&place.catalog().join("catalog.db"))?;
        output = place.run("repair --force")?;
    }
    let ended = matches!(output.status.code(), Some(0 | 3));
    found.expect(ended, Invariant::VerifyOrRepair, || told(&output));
    let after = State::look(place, scratch)?;
    whole(&after, trusted, &mut found);
    for id in before.present(trusted) {
        let whole = after
            .listed
            .get(&id)
            .is_some_and(|state| state == "verified");
        found.expect(whole, Invariant::NothingLost, || {
            format!("valid artifact {id} is not listed")
        });
    }
    nothing_deleted(&before, &after, &mut found);
    twice(place, &after, scratch, &mut found)?;
    cleaned(place, &after, scratch, &mut found)?;
    in_use(place, torture, &after, sound, scratch, &mut found)?;
    Ok(found.all())
}

/// The catalog works: what is there verifies, and what is missing can be imported again.
fn in_use(
    place: &Place,
    torture: &Torture,
    after: &State,
    sound: &State,
    scratch: &Path,
    found: &mut Findings,
) -> Outcome {
    for name in [
        "one", "two", "three", "four", "five", "six", "seven", "large",
    ] {
        let output = place.run(&format!("import packages/{name}.isi"))?;
        found.expect(output.status.success(), Invariant::Again, || told(&output));
        if after.listed.len() > 6 && name == "one" {
            // Little was lost; one import is enough to see that it works.
            break;
        }
    }
    let now = State::look(place, scratch)?;
    whole(&now, torture.world.trusted(), found);
    found.expect(
        now.events.starts_with(&after.events),
        Invariant::OnlyForward,
        || "events were lost by an import".to_owned(),
    );
    if torture.options.short && after.listed.len() < sound.listed.len() {
        return Ok(());
    }
    let verify = place.run("verify")?;
    let missing = now.listed.values().any(|state| state == "missing");
    let expected = if missing { 3 } else { 0 };
    found.expect(
        verify.status.code() == Some(expected),
        Invariant::VerifyOrRepair,
        || told(&verify),
    );
    Ok(())
}

impl Damaged<'_> {
    fn artifacts(&self) -> PathBuf {
        self.place.catalog().join("artifacts")
    }

    fn database(&self) -> PathBuf {
        self.place.catalog().join("catalog.db")
    }

    fn mirror(&self) -> PathBuf {
        self.place.catalog().join("events.jsonl")
    }

    /// Some file among the artifacts.
    fn artifact(&self, random: &mut Random) -> Outcome<PathBuf> {
        let mut files = Vec::new();
        walk(&self.artifacts(), &mut files)?;
        // In an order that does not change with the keys, and so with the IDs, of each run.
        files.sort_by_key(|path| {
            let id = path.iter().rev().nth(1).and_then(|id| id.to_str());
            let name = id.and_then(|id| self.world.name_of(id));
            (name.is_none(), name, path.clone())
        });
        if let Some(path) = random.pick(&files) {
            return Ok(path.clone());
        }
        // All are gone already; something that is none comes instead.
        let path = self.artifacts().join("left");
        fs::write(&path, random.bytes(100))?;
        Ok(path)
    }

    fn directory(&self, random: &mut Random) -> Outcome<PathBuf> {
        let artifact = self.artifact(random)?;
        let parent = artifact
            .parent()
            .filter(|parent| *parent != self.artifacts());
        Ok(parent.unwrap_or(&artifact).to_owned())
    }

    fn name(&self, path: &Path) -> String {
        let name = path.strip_prefix(self.place.catalog()).unwrap_or(path);
        name.display().to_string()
    }
}

/// Opens a file that may be read-only, for writing.
fn writable(path: &Path) -> Outcome<File> {
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok(File::options().write(true).open(path)?)
}

/// Changes some bytes of a file and gives it its mode back.
fn flip(path: &Path, random: &mut Random) -> Outcome<String> {
    let Ok(metadata) = fs::metadata(path) else {
        return Ok("nothing to flip".to_owned());
    };
    let length = usize::try_from(metadata.len())?;
    let file = writable(path)?;
    let mut places = Vec::new();
    for _ in 0..=random.below(8) {
        let place = random.below(length);
        let bytes = random.bytes(1);
        file.write_at(&bytes, u64::try_from(place)?)?;
        places.push(place);
    }
    fs::set_permissions(path, metadata.permissions())?;
    Ok(format!("bytes {places:?}"))
}

fn truncate(path: &Path, random: &mut Random) -> Outcome<String> {
    let Ok(metadata) = fs::metadata(path) else {
        return Ok("nothing to cut".to_owned());
    };
    let length = random.below(usize::try_from(metadata.len())?);
    writable(path)?.set_len(u64::try_from(length)?)?;
    fs::set_permissions(path, metadata.permissions())?;
    Ok(format!("cut to {length} bytes"))
}

fn flip_artifact(damaged: &Damaged<'_>, random: &mut Random) -> Outcome<String> {
    let path = damaged.artifact(random)?;
    Ok(format!("{}: {}", damaged.name(&path), flip(&path, random)?))
}

fn truncate_artifact(damaged: &Damaged<'_>, random: &mut Random) -> Outcome<String> {
    let path = damaged.artifact(random)?;
    Ok(format!(
        "{}: {}",
        damaged.name(&path),
        truncate(&path, random)?
    ))
}

fn lengthen_artifact(damaged: &Damaged<'_>, random: &mut Random) -> Outcome<String> {
    let path = damaged.artifact(random)?;
    let metadata = fs::metadata(&path)?;
    writable(&path)?.write_at(&random.bytes(10), metadata.len())?;
    fs::set_permissions(&path, metadata.permissions())?;
    Ok(format!("{}: longer", damaged.name(&path)))
}

fn delete_artifact(damaged: &Damaged<'_>, random: &mut Random) -> Outcome<String> {
    let path = damaged.artifact(random)?;
    fs::remove_file(&path)?;
    Ok(format!("{}: deleted", damaged.name(&path)))
}

fn delete_directory(damaged: &Damaged<'_>, random: &mut Random) -> Outcome<String> {
    let path = damaged.directory(random)?;
    remove(&path)?;
    Ok(format!("{}: deleted", damaged.name(&path)))
}

fn swap_artifacts(damaged: &Damaged<'_>, random: &mut Random) -> Outcome<String> {
    let (first, second) = (damaged.artifact(random)?, damaged.artifact(random)?);
    if first != second {
        let aside = damaged.artifacts().join("aside");
        fs::rename(&first, &aside)?;
        fs::rename(&second, &first)?;
        fs::rename(&aside, &second)?;
    }
    Ok(format!(
        "{} and {} swapped",
        damaged.name(&first),
        damaged.name(&second)
    ))
}

fn rename_directory(damaged: &Damaged<'_>, random: &mut Random) -> Outcome<String> {
    let path = damaged.directory(random)?;
    let name = format!("{:016x}", random.next()).repeat(4);
    let shard = damaged.artifacts().join(name.get(..2).unwrap_or_default());
    fs::create_dir_all(&shard)?;
    let to = if random.below(2) == 0 {
        shard.join(&name)
    } else {
        path.with_file_name(&name)
    };
    fs::rename(&path, &to)?;
    Ok(format!(
        "{} renamed to {}",
        damaged.name(&path),
        damaged.name(&to)
    ))
}

fn rename_shard(damaged: &Damaged<'_>, random: &mut Random) -> Outcome<String> {
    let path = damaged.directory(random)?;
    let Some(shard) = path
        .parent()
        .filter(|shard| *shard != damaged.artifacts() && shard.exists())
    else {
        return Ok("no shard to rename".to_owned());
    };
    let to = damaged
        .artifacts()
        .join(format!("x{}", random.below(1_000)));
    fs::rename(shard, &to)?;
    Ok(format!(
        "{} renamed to {}",
        damaged.name(shard),
        damaged.name(&to)
    ))
}

fn second_copy(damaged: &Damaged<'_>, random: &mut Random) -> Outcome<String> {
    let (from, to) = (damaged.artifact(random)?, damaged.artifact(random)?);
    if from != to {
        remove(&to)?;
        copy(&from, &to)?;
    }
    Ok(format!(
        "{} in the place of {}",
        damaged.name(&from),
        damaged.name(&to)
    ))
}

fn instead_of_artifact(damaged: &Damaged<'_>, random: &mut Random) -> Outcome<String> {
    let path = damaged.artifact(random)?;
    remove(&path)?;
    let what = match random.below(4) {
        0 => {
            symlink("/etc/passwd", &path)?;
            "a link"
        }
        1 => {
            fs::create_dir(&path)?;
            "a directory"
        }
        2 => {
            let made = std::process::Command::new("mkfifo").arg(&path).status()?;
            if !made.success() {
                return failure("mkfifo failed");
            }
            "a FIFO"
        }
        _ => {
            fs::write(&path, random.bytes(500))?;
            "garbage"
        }
    };
    Ok(format!("{} is {what}", damaged.name(&path)))
}

/// Gives an artifact a mode that lets its owner change it, or nobody read it.
fn other_mode(damaged: &Damaged<'_>, random: &mut Random) -> Outcome<String> {
    let path = damaged.artifact(random)?;
    let mode = random
        .pick(&[0o000, 0o200, 0o600, 0o644, 0o777])
        .copied()
        .unwrap_or_default();
    fs::set_permissions(&path, Permissions::from_mode(mode))?;
    Ok(format!("{}: mode {mode:04o}", damaged.name(&path)))
}

fn foreign_file(damaged: &Damaged<'_>, random: &mut Random) -> Outcome<String> {
    let parent = if random.below(2) == 0 {
        damaged.artifacts()
    } else {
        damaged.directory(random)?
    };
    let parent = if parent.is_dir() {
        parent
    } else {
        damaged.artifacts()
    };
    let path = parent.join(format!("foreign-{}", random.below(100)));
    fs::write(&path, random.bytes(50))?;
    Ok(format!("{} appeared", damaged.name(&path)))
}

fn flip_database(damaged: &Damaged<'_>, random: &mut Random) -> Outcome<String> {
    Ok(format!("database: {}", flip(&damaged.database(), random)?))
}

fn truncate_database(damaged: &Damaged<'_>, random: &mut Random) -> Outcome<String> {
    Ok(format!(
        "database: {}",
        truncate(&damaged.database(), random)?
    ))
}

fn delete_database(damaged: &Damaged<'_>, _: &mut Random) -> Outcome<String> {
    remove(&damaged.database())?;
    Ok("database deleted".to_owned())
}

fn garbage_database(damaged: &Damaged<'_>, random: &mut Random) -> Outcome<String> {
    let length = random.below(100_000);
    fs::write(damaged.database(), random.bytes(length))?;
    Ok(format!("database is {length} bytes of garbage"))
}

fn older_database(damaged: &Damaged<'_>, _: &mut Random) -> Outcome<String> {
    fs::copy(
        damaged.older.catalog().join("catalog.db"),
        damaged.database(),
    )?;
    Ok("database is an older one".to_owned())
}

fn forget_rows(damaged: &Damaged<'_>, random: &mut Random) -> Outcome<String> {
    let skip = random.below(7);
    let forget = format!("PRAGMA foreign_keys=ON; DELETE FROM artifact WHERE rowid % 7 = {skip};");
    // On what is left of a database this may fail, which is damage enough.
    let mut sqlite = std::process::Command::new("sqlite3");
    sqlite.arg(damaged.database()).arg(forget).output()?;
    Ok("database forgot a row".to_owned())
}

fn stray_journal(damaged: &Damaged<'_>, random: &mut Random) -> Outcome<String> {
    fs::write(
        damaged.place.catalog().join("catalog.db-journal"),
        random.bytes(5_000),
    )?;
    Ok("a journal of garbage".to_owned())
}

fn flip_mirror(damaged: &Damaged<'_>, random: &mut Random) -> Outcome<String> {
    Ok(format!("mirror: {}", flip(&damaged.mirror(), random)?))
}

fn truncate_mirror(damaged: &Damaged<'_>, random: &mut Random) -> Outcome<String> {
    Ok(format!("mirror: {}", truncate(&damaged.mirror(), random)?))
}

fn delete_mirror(damaged: &Damaged<'_>, _: &mut Random) -> Outcome<String> {
    remove(&damaged.mirror())?;
    Ok("mirror deleted".to_owned())
}
