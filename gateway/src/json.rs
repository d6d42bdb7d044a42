//! JSON text as text: strings written straight into a buffer, and a lexer that builds nothing. What wants
//! values uses `serde_json`.
//!
//! [`write_string`] is for answers, lists and REST bodies, where building a value first would
//! copy everything twice; [`lexer`] and [`raw`] are for what is looked at and passed on.

pub mod lexer;
pub mod raw;

const HEX: &[u8; 16] = b"0123456789abcdef";
/// The low bit of each of eight bytes.
const LOW: u64 = u64::from_ne_bytes([0x01; 8]);
/// The high bit of each of eight bytes.
const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);

/// Appends `text` as a JSON string, quotes included: RFC 8259 section 7, with the shortest escapes.
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    write_escaped(out, text);
    out.push(b'"');
}

/// Appends `text` as the inside of a JSON string, so that a string can be put together from parts.
///
/// Eight bytes a step: runs of words without a byte to escape are copied whole, the others byte by byte.
/// JSON inside JSON has a quote in every second word, where searching for each costs more than looking at
/// each.
pub fn write_escaped(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let (words, tail) = bytes.as_chunks::<8>();
    let mut plain = 0;
    for (index, word) in words.iter().enumerate() {
        if special_bytes(u64::from_le_bytes(*word)) != 0 {
            let start = index * word.len();
            out.extend_from_slice(&bytes[plain..start]);
            write_each(out, word);
            plain = start + word.len();
        }
    }
    out.extend_from_slice(&bytes[plain..bytes.len() - tail.len()]);
    write_each(out, tail);
}

fn write_each(out: &mut Vec<u8>, bytes: &[u8]) {
    for &byte in bytes {
        if byte < 0x20 || byte == b'"' || byte == b'\\' {
            write_escape(out, byte);
        } else {
            out.push(byte);
        }
    }
}

/// The high bit of each byte that must be escaped; bytes above the lowest set one may be wrong.
///
/// Subtracting borrows from the next byte only where a byte was special, hence "lowest": the first
/// hit is exact, and only the first is used.
fn special_bytes(word: u64) -> u64 {
    let quotes = word ^ (LOW * u64::from(b'"'));
    let backslashes = word ^ (LOW * u64::from(b'\\'));
    let below = |value: u64, limit: u64| value.wrapping_sub(LOW * limit) & !value;
    (below(word, 0x20) | below(quotes, 1) | below(backslashes, 1)) & HIGH
}

fn write_escape(out: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' => b'"',
        b'\\' => b'\\',
        0x08 => b'b',
        0x09 => b't',
        0x0a => b'n',
        0x0c => b'f',
        0x0d => b'r',
        _ => {
            let digits = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&digits);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str) {
        let mut out = Vec::new();
        write_string(&mut out, text);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            serde_json::to_string(text).unwrap()
        );
    }

    #[test]
    fn every_character_at_every_place_in_a_word() {
        for code in (0..0x100).chain([0x7ff, 0x2028, 0xfffd, 0x1f600]) {
            let character = char::from_u32(code).unwrap();
            for before in 0..18 {
                let plain = "abcdefghijklmnopqr";
                check(&format!("{}{character}{plain}", &plain[..before]));
                check(&format!("{}{character}\"\u{1}", &plain[..before]));
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_is_written_as_serde_json_writes_it(text in any::<String>()) {
            check(&text);
        }

        #[test]
        fn text_full_of_escapes(text in "[\u{0}-\u{22}\\\\a-c\u{7f}-\u{81}]{0,64}") {
            check(&text);
        }
    }
}
