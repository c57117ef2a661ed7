//! A generator of JSON texts of all sorts, a part of which have no canonical form.

use super::{Random, disturb};

/// What may be wrong with a text. One thing at most, since JavaScript's parser does not see the rest of what it
/// takes for a member that another of the same name follows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flaw {
    /// Numbers too large, halves of surrogate pairs.
    Values,
    /// A name that is there twice.
    Names,
    /// A changed byte.
    Bytes,
}

/// The bytes of one text.
pub fn document(random: &mut Random) -> Vec<u8> {
    let flaw = match random.below(10) {
        0 => Flaw::Bytes,
        1 => Flaw::Names,
        _ => Flaw::Values,
    };
    let mut text = String::new();
    value(random, &mut text, flaw, 0);
    let mut bytes = text.into_bytes();
    if flaw == Flaw::Bytes {
        disturb(random, &mut bytes);
    }
    bytes
}

fn value(random: &mut Random, out: &mut String, flaw: Flaw, depth: usize) {
    space(random, out);
    match random.below(if depth < 6 { 10 } else { 6 }) {
        0 => out.push_str(random.pick(&["null", "true", "false"])),
        1 | 2 => out.extend(["\"", &string(random, flaw), "\""]),
        3..=5 => out.push_str(&number(random, flaw)),
        6 if random.below(40) == 0 => {
            let levels = 55 + random.below(15);
            out.extend(["[".repeat(levels), "]".repeat(levels)]);
        }
        6 | 7 => list(random, out, ['[', ']'], |random, out, _| value(random, out, flaw, depth + 1)),
        _ => list(random, out, ['{', '}'], |random, out, index| {
            out.extend(["\"", &name(random)]);
            if flaw != Flaw::Names {
                out.push_str(&index.to_string());
            }
            out.push('"');
            space(random, out);
            out.push(':');
            value(random, out, flaw, depth + 1);
        }),
    }
    space(random, out);
}

fn list(
    random: &mut Random,
    out: &mut String,
    braces: [char; 2],
    mut item: impl FnMut(&mut Random, &mut String, usize),
) {
    out.push(braces[0]);
    for index in 0..random.below(6) {
        if index > 0 {
            out.push(',');
        }
        space(random, out);
        item(random, out, index);
    }
    out.push(braces[1]);
}

fn space(random: &mut Random, out: &mut String) {
    if random.below(8) == 0 {
        out.push_str(random.pick(&[" ", "\n", "\t", "\r\n  "]));
    }
}

/// The inside of a name: short and of few characters, so that one is often the beginning of another, and those of
/// which the order by units differs from that by characters among them.
pub fn name(random: &mut Random) -> String {
    (0..random.below(6))
        .map(|_| {
            random.pick(&[
                "a",
                "b",
                "A",
                "1",
                "0",
                "é",
                "ı",
                "\u{d7ff}",
                "\u{e000}",
                "\u{fb33}",
                "\u{ffff}",
                "\u{10000}",
                "😀",
                "\\n",
                "\\u0061",
                "\\ud83d\\ude00",
                "\\u0000",
            ])
        })
        .collect()
}

/// The inside of a string.
fn string(random: &mut Random, flaw: Flaw) -> String {
    let mut text = String::new();
    for _ in 0..random.below(8) {
        match random.below(6) {
            0 => text.push_str(random.pick(&["\\\"", "\\\\", "\\/", "\\b", "\\f", "\\n", "\\r", "\\t"])),
            // Now and then half of a pair.
            1 if flaw == Flaw::Values && random.below(60) == 0 => {
                text.push_str(&format!("\\ud{:03x}", 0x800 + random.below(0x800)));
            }
            1 => text.push_str(&format!("\\u{:04X}", random.below(0xd800))),
            2 => text.extend(char::from_u32(random.below(0x11_0000) as u32).filter(|c| *c > '\\')),
            _ => text.push_str(random.pick(&["plain ", "fiyat çok", "😀", "\u{7f}", "\u{2028}", "x"])),
        }
    }
    text
}

/// A number: any double, one near a change of form, or digits of any length.
fn number(random: &mut Random, flaw: Flaw) -> String {
    let sign = if random.below(3) == 0 { "-" } else { "" };
    match random.below(9) {
        0 if flaw == Flaw::Values && random.below(10) == 0 => format!("{sign}1E400"),
        0 => random
            .pick(&["0", "-0", "-0.0", "1e21", "999999999999999999999", "1e-6", "1e-7", "5e-324", "1e-400"])
            .into(),
        1 => format!("{sign}{}", random.next()),
        2 => format!("{sign}{}.{:02}", random.below(1_000_000), random.below(100)),
        3 => format!("{sign}{}e{}", random.below(100_000), random.below(50) as i32 - 30),
        4 => format!("{sign}{}.{}E+{}", random.below(10), random.next(), random.below(30)),
        5 => format!("{sign}{}", random.next() >> random.below(64)),
        // Often halfway between two forms of as many digits.
        6 => {
            format!(
                "{sign}{}.{}",
                random.next() >> (12 + random.below(8)),
                random.pick(&["25", "75", "125", "375"])
            )
        }
        _ => match f64::from_bits(random.next()) {
            double if !double.is_finite() => "0.5".into(),
            double if random.below(8) == 0 => format!("{double}"),
            double => format!("{double:e}"),
        },
    }
}
