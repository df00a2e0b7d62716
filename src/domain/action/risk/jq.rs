//! `jq`: its options and the words of its language that end.
//!
//! Owns: the list of functions. A program of `jq` can run for ever (`repeat`, `recurse(f)`, `def f: f;`) and read more than
//! its files (`input`, `$ENV`, `import`), so a name counts only when it is on the list; a name that is data does not matter.

use super::judge;

fn not_known(word: &str) -> String {
    format!("{word} is not on the list of what is harmless")
}

/// Letters of options that take no value. Not -f and -L, which read programs.
const FLAGS: &str = "rcsSeaCMjn";

/// Long options that take no value.
const LONG_FLAGS: [&str; 11] = [
    "--raw-output",
    "--compact-output",
    "--slurp",
    "--null-input",
    "--sort-keys",
    "--exit-status",
    "--ascii-output",
    "--color-output",
    "--monochrome-output",
    "--join-output",
    "--tab",
];

/// Functions and keywords that end when what they are given ends. Not `sub` and `gsub`: with an empty pattern they do not
/// end before jq 1.7. Not `def`, `reduce`, `foreach`, `range`, `limit`, `until`, `while`, `repeat`, `recurse`, `label`, `env`,
/// `input`, `inputs`, `debug`, `stderr`, `import`, `include`.
#[rustfmt::skip]
const NAMES: &[&str] = &[
    "add", "all", "and", "any", "arrays", "as", "ascii_downcase", "ascii_upcase", "booleans", "ceil", "contains", "elif",
    "else", "empty", "end", "endswith", "false", "first", "flatten", "floor", "from_entries", "fromdate",
    "fromdateiso8601", "fromjson", "group_by", "has", "if", "in", "index", "indices", "inside", "isvalid", "iterables",
    "join", "keys", "keys_unsorted", "last", "length", "ltrimstr", "map", "map_values", "max", "max_by", "min", "min_by",
    "not", "now", "null", "nulls", "numbers", "objects", "or", "paths", "reverse", "rindex", "round", "rtrimstr",
    "scalars", "select", "sort", "sort_by", "split", "startswith", "strings", "test", "then", "to_entries", "todate",
    "tojson", "tonumber", "tostring", "transpose", "true", "try", "catch", "type", "unique", "unique_by", "values", "with_entries",
];

/// Whether `jq` with these arguments only looks.
pub(super) fn check(words: &[&str]) -> Result<(), String> {
    let mut operands = Vec::new();
    let mut rest = words.iter().copied();
    while let Some(word) = rest.next() {
        let values = match word {
            "--arg" | "--argjson" | "--slurpfile" | "--rawfile" => 2,
            "--indent" => 1,
            word if LONG_FLAGS.contains(&word) => 0,
            word if is_cluster(word) => 0,
            word if word.starts_with('-') => return Err(not_known(word)),
            word => {
                operands.push(word);
                0
            }
        };
        for _ in 0..values {
            rest.next().ok_or_else(|| format!("a value of {word} is missing"))?;
        }
    }
    match operands.as_slice() {
        [] => Err("it has no filter".to_owned()),
        [filter, files @ ..] => {
            program(filter)?;
            match files.iter().find(|path| judge::is_device(path)) {
                Some(path) => Err(format!("{path} is a device")),
                None => Ok(()),
            }
        }
    }
}

fn is_cluster(word: &str) -> bool {
    let letters = word.strip_prefix('-').unwrap_or_default();
    !letters.is_empty() && letters.chars().all(|letter| FLAGS.contains(letter))
}

/// What the scan is inside of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    /// Round or square brackets.
    Brackets,
    /// An object, where names are keys.
    Object,
    /// A string.
    Text,
}

/// Looks at every name of a filter that would be called.
fn program(filter: &str) -> Result<(), String> {
    let mut inside: Vec<Inside> = Vec::new();
    let mut rest = filter;
    // The last sign that is no blank: it tells a field and a variable from a function.
    let mut before = ' ';
    while let Some(c) = rest.chars().next() {
        let mut length = c.len_utf8();
        if inside.last() == Some(&Inside::Text) {
            match c {
                '"' => {
                    inside.pop();
                }
                '\\' if rest.starts_with("\\(") => {
                    inside.push(Inside::Brackets);
                    length = 2;
                }
                '\\' => length += rest.chars().nth(1).map_or(0, char::len_utf8),
                _ => {}
            }
            before = c;
        } else if is_name(c) {
            let name = rest.split(|c: char| !is_name(c)).next().unwrap_or(rest);
            length = name.len();
            let key = matches!(inside.last(), Some(Inside::Object)) && matches!(before, '{' | ',');
            called(name, before, key)?;
            before = c;
        } else {
            match c {
                '#' => return Err("its filter has a comment".to_owned()),
                '"' => inside.push(Inside::Text),
                '{' => inside.push(Inside::Object),
                '(' | '[' => inside.push(Inside::Brackets),
                ')' | ']' | '}' => {
                    inside.pop();
                }
                _ => {}
            }
            before = if c.is_whitespace() && before != '.' && before != '$' { before } else { c };
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    Ok(())
}

/// Whether a name that stands behind the sign `before` is harmless; a key of an object is data.
fn called(name: &str, before: char, key: bool) -> Result<(), String> {
    let is_data = key || name.starts_with(|c: char| c.is_ascii_digit()) || matches!(before, '.' | '@');
    let is_variable = before == '$' && name != "ENV";
    if is_data || is_variable || NAMES.contains(&name) { Ok(()) } else { Err(not_known(name)) }
}

/// Whether names are made of this; fields with other letters are written as strings.
fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(&["."])]
    #[case(&["-r", ".items[] | .metadata.name"])]
    #[case(&["-rc", "--arg", "a", "repeat(.)", ".x == $a", "x.json"])]
    #[case(&[".data.activeTargets[] | select(.health != \"up\") | {scrapeUrl, lastError}"])]
    #[case(&["{repeat: 1, until, \"while\": .input}"])]
    #[case(&["map(.repeat) | sort_by(.range) | length"])]
    #[case(&[".. | numbers | select(. > 1e3)"])]
    #[case(&["\"repeat \\(.name) until \\\" while\""])]
    #[case(&["-r", ".[] | @base64"])]
    #[case(&["-n", "now | todate"])]
    fn filters_that_end(#[case] words: &[&str]) {
        assert_eq!(check(words), Ok(()), "{words:?}");
    }

    #[rstest]
    #[case(&["repeat(.)"])]
    #[case(&["[repeat(1)]"])]
    #[case(&["{a: repeat(1)}"])]
    #[case(&["{a: (1, repeat(1))}"])]
    #[case(&["{(repeat(1)): 1}"])]
    #[case(&["\"\\(repeat(1))\""])]
    #[case(&["\"\\(\"x\\(until(false; .))\")\""])]
    #[case(&["until(false; .)"])]
    #[case(&["while(true; .)"])]
    #[case(&["recurse(.)"])]
    #[case(&["range(0; infinite)"])]
    #[case(&["limit(1; repeat(1))"])]
    #[case(&["def f: f; f"])]
    #[case(&["reduce .[] as $x (0; . + $x)"])]
    #[case(&["input"])]
    #[case(&["[inputs]"])]
    #[case(&["gsub(\"\"; \"a\")"])]
    #[case(&["$ENV.HOME"])]
    #[case(&["env.HOME"])]
    #[case(&["import \"a\" as a; ."])]
    #[case(&["a::f"])]
    #[case(&[". # \"\nrepeat(1)"])]
    #[case(&["1 | repeat(1)"])]
    #[case(&["-f", "x.jq"])]
    #[case(&["-rf", "x.jq"])]
    #[case(&["--from-file", "x.jq"])]
    #[case(&["-L", "x", "."])]
    #[case(&["--stream", "."])]
    #[case(&["--arg", "a"])]
    #[case(&[".", "/dev/zero"])]
    #[case(&[])]
    fn what_may_not_end_or_reads_more(#[case] words: &[&str]) {
        assert!(check(words).is_err(), "{words:?}");
    }
}
