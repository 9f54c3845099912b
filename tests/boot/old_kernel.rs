//! The kernel that was kept from before really boots the new system, once, when somebody asks for it.

use crate::machine::{self, Machine, Turn};
use crate::upgrade::{expect, install, upgrade};
use crate::vendor::Release;

/// A release with a kernel of its own.
fn release(number: u64) -> Release {
    Release {
        kernel: true,
        ..Release::good(number)
    }
}

/// One boot, of which system and which kernel both sides have to agree: the file that was started, and what
/// the started kernel says of itself.
fn boots(machine: &mut Machine, system: Release, kernel: Release, file: &str) -> Turn {
    let turn = machine.turns(1).remove(0);
    let started = turn.kernel.as_ref().and_then(|path| path.file_name());
    assert_eq!(started.unwrap(), file, "{}", turn.boot.console);
    expect(&turn, &format!("test: booted {}", system.title()));
    expect(
        &turn,
        &format!("test: kernel Linux {} ", kernel.kernel_word()),
    );
    expect(&turn, "test: check ended with 0");
    turn
}

fn ask_for_the_old_kernel(machine: &Machine, name: &str) {
    machine.done(&format!(
        "upgrade bootenv activate {name} --next-boot-only --old-kernel"
    ));
}

#[test]
fn the_kernel_that_was_kept_boots_the_new_system_once() {
    let [first, second] = [1, 2].map(release);
    machine::on_each_kind(|mut machine| {
        install(&mut machine, first);
        let [_, new] = upgrade(&mut machine, second, "--keep-old-kernel");
        ask_for_the_old_kernel(&machine, &new);
        let turn = boots(&mut machine, second, first, "generic.old");
        // On trial it takes a try as any other boot does, but the new kernel still has to prove itself.
        assert_eq!((&turn.name, turn.tries_left), (&new, Some(2)));
        expect(
            &turn,
            &format!("{new} stays on trial: its own kernel was not started"),
        );
        machine.to_do("isi upgrade commit --force && echo 'test: committed'");
        let turn = boots(&mut machine, second, second, "generic");
        assert_eq!((&turn.name, turn.tries_left), (&new, Some(1)));
        expect(&turn, "test: committed");
        // The environment that it came from is gone, and it still boots.
        assert_eq!(machine.system().storage().names().unwrap().len(), 1);
        ask_for_the_old_kernel(&machine, &new);
        boots(&mut machine, second, first, "generic.old");
    });
}
