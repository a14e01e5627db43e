//! The verbs: one file each, with its arguments and `run`. To add one, write the file and a line in the table below.

use outcore::Result;

use crate::report::Report;
use crate::session::Session;

/// Declares the modules of the verbs, and the enum that clap reads them into.
macro_rules! verbs {
    ($($module:ident $Verb:ident),* $(,)?) => {
        $(pub(crate) mod $module;)*

        #[derive(clap::Subcommand)]
        pub(crate) enum Verb {
            $(
                #[command(about = $module::ABOUT)]
                $Verb($module::Arguments),
            )*
        }

        impl Verb {
            pub(crate) fn run(&self, session: &Session) -> Result<Report> {
                match self {
                    $(Verb::$Verb(arguments) => $module::run(arguments, session),)*
                }
            }
        }
    };
}

verbs! {
    info Info,
    head Head,
    convert Convert,
    create Create,
    verify Verify,
    diff Diff,
    stats Stats,
    spy Spy,
    plot Plot,
    transpose Transpose,
    slice Slice,
    concat Concat,
    permute Permute,
    symmetrize Symmetrize,
    scale Scale,
    add Add,
    matmul Matmul,
    matvec Matvec,
    gram Gram,
    pca Pca,
    svd Svd,
    solve Solve,
    pagerank Pagerank,
    bfs Bfs,
    components Components,
    doctor Doctor,
    clean Clean,
    completions Completions,
    man Man,
}
