//! The short form of every suite.

use std::path::Path;

use outcore_faults::{
    Form, Report, bits, kill, mutations, panics, processes, space, special, syscalls,
};

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_faults"))
}

fn holds(report: &Report) {
    report.print();
    assert!(report.faults().is_empty(), "{report}");
}

#[test]
fn killed_at_any_time_leaves_the_old_state_or_the_new_one() {
    holds(&kill::run(program(), Form::SHORT));
}

#[test]
fn the_kth_system_call_fails_and_nothing_is_lost() {
    holds(&syscalls::run(program(), Form::SHORT));
}

#[test]
fn processes_that_share_a_name_see_whole_versions() {
    holds(&processes::run(program(), Form::SHORT));
}

#[test]
fn flipped_bits_are_found_and_never_panic() {
    holds(&bits::run(Form::SHORT));
}

#[test]
fn special_files_are_refused_at_once() {
    holds(&special::run(program(), Form::SHORT));
}

#[test]
fn a_full_device_is_an_error_and_leaves_nothing() {
    holds(&space::run(program(), Form::SHORT));
}

#[test]
fn closures_that_panic_leave_nothing() {
    holds(&panics::run(Form::SHORT));
}

#[test]
fn mutated_files_are_refused_or_read() {
    holds(&mutations::run(program(), Form::SHORT));
}
