//! What the tool can do, for programs: every verb with its arguments, their types and defaults, from clap's own model.

use std::any::TypeId;
use std::path::PathBuf;

use clap::{Arg, ArgAction, Command, CommandFactory};
use serde_json::{Map, Value, json};

/// One object: name, version, flags of all verbs, verbs.
pub(crate) fn usage() -> Value {
    let mut tool = crate::Cli::command();
    tool.build();
    let verbs: Vec<Value> = tool
        .get_subcommands()
        .filter(|verb| verb.get_name() != "help")
        .map(|verb| described(verb, &tool))
        .collect();
    let flags = tool.get_arguments().filter(|flag| flag.is_global_set()).map(argument);
    json!({
        "name": tool.get_name(),
        "version": tool.get_version().unwrap_or_default(),
        "about": text(tool.get_about()),
        "exit_codes": {
            "0": "yes",
            "1": "no: matrices differ, a checksum is wrong, a solve did not converge",
            "2": "error",
            "130": "interrupted",
        },
        "flags": flags.collect::<Vec<_>>(),
        "verbs": verbs,
    })
}

/// A verb, or one kind of what it makes.
fn described(verb: &Command, parent: &Command) -> Value {
    let own = |argument: &&Arg| {
        let name = argument.get_id();
        let of_all =
            parent.get_arguments().any(|flag| flag.is_global_set() && flag.get_id() == name);
        !of_all && !["help", "version"].contains(&name.as_str())
    };
    let mut object = Map::new();
    object.insert("name".into(), verb.get_name().into());
    object.insert("about".into(), text(verb.get_about()).into());
    let arguments: Vec<Value> = verb.get_arguments().filter(own).map(argument).collect();
    object.insert("arguments".into(), arguments.into());
    let kinds: Vec<Value> = verb
        .get_subcommands()
        .filter(|kind| kind.get_name() != "help")
        .map(|kind| described(kind, verb))
        .collect();
    if !kinds.is_empty() {
        object.insert("verbs".into(), kinds.into());
    }
    object.into()
}

fn argument(argument: &Arg) -> Value {
    let mut object = Map::new();
    let is_flag = matches!(argument.get_action(), ArgAction::SetTrue | ArgAction::SetFalse);
    object.insert("name".into(), argument.get_id().as_str().into());
    if let Some(long) = argument.get_long() {
        object.insert("flag".into(), format!("--{long}").into());
    }
    if let Some(short) = argument.get_short() {
        object.insert("short".into(), format!("-{short}").into());
    }
    if let Some(index) = argument.get_index() {
        object.insert("position".into(), index.into());
    }
    object.insert("type".into(), if is_flag { "boolean" } else { type_of(argument) }.into());
    let values = argument.get_possible_values();
    if !is_flag && !values.is_empty() {
        let names: Vec<Value> = values.iter().map(|value| value.get_name().into()).collect();
        object.insert("values".into(), names.into());
    }
    object.insert("required".into(), argument.is_required_set().into());
    let most = argument.get_num_args().map_or(1, |count| count.max_values());
    let several = most > 1 || matches!(argument.get_action(), ArgAction::Append);
    object.insert("several".into(), several.into());
    let default: Vec<_> =
        argument.get_default_values().iter().filter_map(|value| value.to_str()).collect();
    if let ([default], false) = (&default[..], is_flag) {
        object.insert("default".into(), (*default).into());
    }
    object.insert("help".into(), text(argument.get_help()).into());
    object.into()
}

/// The type of a value, as JSON calls it, or `path`, `size` or `choice`.
fn type_of(argument: &Arg) -> &'static str {
    let parser = argument.get_value_parser();
    let id = parser.type_id();
    let known: [(TypeId, &str); 10] = [
        (TypeId::of::<PathBuf>(), "path"),
        (TypeId::of::<u8>(), "integer"),
        (TypeId::of::<u32>(), "integer"),
        (TypeId::of::<u64>(), "integer"),
        (TypeId::of::<usize>(), "integer"),
        (TypeId::of::<i64>(), "integer"),
        (TypeId::of::<f64>(), "number"),
        (TypeId::of::<String>(), "string"),
        (TypeId::of::<outcore::DType>(), "element type"),
        (TypeId::of::<crate::size::Limit>(), "size"),
    ];
    match known.iter().find(|(known, _)| id == *known) {
        Some((_, name)) => name,
        None => "choice",
    }
}

fn text(styled: Option<&clap::builder::StyledStr>) -> String {
    styled.map(ToString::to_string).unwrap_or_default()
}
