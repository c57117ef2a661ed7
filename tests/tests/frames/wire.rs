//! Frames: reserved bits and opcodes, masks, control frames, fragments, text that is none, sizes.

use spark_live_tests::frame::{FIN, frame, message, opcode};

use crate::{Case, Want};

const MASK: Option<[u8; 4]> = Some([0x0a, 0xf1, 0x33, 0x80]);
/// The message breaks the standard.
const BROKEN: Want = Want::Closed(&[1002, 4000]);
/// The text is not UTF-8.
const NO_TEXT: Want = Want::Closed(&[1007, 4000]);
/// The message is larger than the gateway takes.
const TOO_LARGE: Want = Want::Closed(&[1009, 4005]);
const PING: &str = r#"{"id":1,"cmd":"ping"}"#;
const SIZE_MAX: usize = 64 * 1024;

pub fn cases() -> Vec<Case> {
    [reserved(), masks(), control(), closes(), fragments(), utf8(), sizes()].into_iter().flatten().collect()
}

fn reserved() -> Vec<Case> {
    let kinds = [opcode::TEXT, opcode::BINARY, opcode::CLOSE, opcode::PING, opcode::PONG];
    let bits = (1..8_u8).flat_map(|bits| kinds.map(|kind| (bits, kind)));
    let bits = bits.map(|(bits, kind)| {
        let bytes = frame(FIN | bits << 4 | kind, b"", MASK);
        Case::new(format!("reserved bits {bits:03b} on kind {kind}"), bytes, BROKEN)
    });
    let kinds = (0x3..=0x7_u8).chain(0xb..=0xf).flat_map(|kind| {
        [("", FIN), ("in fragments ", 0)].map(|(how, fin)| {
            Case::new(format!("reserved kind {how}{kind:x}"), frame(fin | kind, b"x", MASK), BROKEN)
        })
    });
    bits.chain(kinds).chain(bombs()).collect()
}

/// 8 MiB of zeros, compressed to 8 KB: a frame that only a server that inflates would take.
fn bombs() -> Vec<Case> {
    const COMPRESSED: u8 = 0x40;
    let zeros = |count: usize| vec![0; count];
    let bomb = [
        vec![0xec, 0xc1, 1, 1, 0, 0, 0, 0x80, 0x90, 0xfe, 0xaf, 0xee, 8, 10],
        zeros(4_094),
        vec![0x80, 0xd9, 0x83, 3, 2, 0, 0, 0, 0, 0x21, 0xff, 0x5f, 0x37, 0x24],
        zeros(4_033),
        vec![0x9c, 5],
    ]
    .concat();
    let (first, second) = bomb.split_at(4_000);
    let whole = |kind| frame(FIN | COMPRESSED | kind, &bomb, MASK);
    let cut = [frame(COMPRESSED | opcode::TEXT, first, MASK), frame(FIN, second, MASK)].concat();
    vec![
        Case::new("a bomb of compressed text", whole(opcode::TEXT), BROKEN),
        Case::new("a bomb of compressed bytes", whole(opcode::BINARY), BROKEN),
        Case::new("a bomb in fragments", cut, BROKEN),
    ]
}

fn masks() -> Vec<Case> {
    [opcode::TEXT, opcode::BINARY, opcode::CLOSE, opcode::PING, opcode::PONG, opcode::CONTINUATION]
        .map(|kind| {
            let payload = if kind == opcode::CLOSE { &[0x03, 0xe8][..] } else { PING.as_bytes() };
            Case::new(format!("no mask on kind {kind}"), frame(FIN | kind, payload, None), BROKEN)
        })
        .into()
}

fn control() -> Vec<Case> {
    let mut cases = Vec::new();
    for kind in [opcode::CLOSE, opcode::PING, opcode::PONG] {
        for len in [126, 127, 1_000, 65_535, 65_536] {
            let bytes = frame(FIN | kind, &vec![3; len], MASK);
            cases.push(Case::new(format!("control frame {kind} of {len}"), bytes, BROKEN));
        }
        let mut bytes = frame(kind, b"", MASK);
        bytes.extend(frame(FIN | opcode::CONTINUATION, b"", MASK));
        cases.push(Case::new(format!("control frame {kind} in fragments"), bytes, BROKEN));
    }
    for len in [0, 1, 125] {
        for kind in [opcode::PING, opcode::PONG] {
            let bytes = frame(FIN | kind, &vec![0xff; len], MASK);
            cases.push(Case::new(format!("{kind} of {len} bytes"), bytes, Want::Fine));
        }
    }
    let flood: Vec<u8> = (0..2_000_u16).flat_map(|n| message(opcode::PING, &n.to_be_bytes())).collect();
    cases.push(Case::new("2000 pings", flood, Want::Fine));
    let flood: Vec<u8> = (0..2_000_u16).flat_map(|n| message(opcode::PONG, &n.to_be_bytes())).collect();
    cases.push(Case::new("2000 pongs that nobody asked for", flood, Want::Fine));
    // With the probe behind them as many as a socket may send at once.
    let flood = message(opcode::TEXT, b"").repeat(39);
    cases.push(Case::new("39 empty messages", flood, Want::Errors("BAD_REQUEST", 39)));
    cases
}

fn closes() -> Vec<Case> {
    let close = |code: u16, reason: &[u8]| {
        let mut payload = code.to_be_bytes().to_vec();
        payload.extend_from_slice(reason);
        message(opcode::CLOSE, &payload)
    };
    let mut cases = Vec::new();
    for code in [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] {
        // Whatever the answer, it must not be the code itself where that may not travel.
        cases.push(Case::new(format!("close with {code}"), close(code, b""), Want::End));
    }
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999] {
        let want =
            Want::Closed(&[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]);
        cases.push(Case::new(format!("close with {code}"), close(code, b"bye"), want));
    }
    cases.push(Case::new("close with one byte", message(opcode::CLOSE, &[3]), Want::End));
    cases.push(Case::new("close without a code", message(opcode::CLOSE, b""), Want::End));
    cases.push(Case::new("close with a reason that is no text", close(1000, &[0xff, 0xfe]), Want::End));
    cases.push(Case::new("close with a long reason", close(1000, &[b'x'; 123]), Want::Closed(&[1000])));
    let mut after = close(1000, b"");
    after.extend(message(opcode::TEXT, PING.as_bytes()));
    cases.push(Case::new("a command after the close", after, Want::Closed(&[1000])));
    cases
}

/// A message cut into so many frames.
fn cut(kind: u8, payload: &[u8], pieces: usize) -> Vec<u8> {
    let len = payload.len().div_ceil(pieces).max(1);
    let chunks: Vec<&[u8]> = payload.chunks(len).collect();
    let last = chunks.len() - 1;
    let frames = chunks.into_iter().enumerate().map(|(at, chunk)| {
        let first = if at == 0 { kind } else { opcode::CONTINUATION };
        frame(if at == last { FIN | first } else { first }, chunk, MASK)
    });
    frames.flatten().collect()
}

fn fragments() -> Vec<Case> {
    let text = PING.as_bytes();
    let mut cases: Vec<Case> = [1, 2, 3, 5, 21]
        .into_iter()
        .flat_map(|pieces| {
            [opcode::TEXT, opcode::BINARY].map(|kind| {
                Case::new(format!("{pieces} pieces of {kind}"), cut(kind, text, pieces), Want::Fine)
            })
        })
        .collect();
    let (begin, middle, end) = (
        frame(opcode::TEXT, &text[..5], MASK),
        frame(opcode::CONTINUATION, &text[5..9], MASK),
        frame(FIN | opcode::CONTINUATION, &text[9..], MASK),
    );
    let join = |parts: &[&[u8]]| parts.concat();
    let ping = message(opcode::PING, b"between");
    let whole = message(opcode::TEXT, text);
    let empty = frame(opcode::CONTINUATION, b"", MASK);
    let list: [(&str, Vec<u8>, Want); 14] = [
        ("an end without a beginning", end.clone(), BROKEN),
        ("a middle without a beginning", middle.clone(), BROKEN),
        ("an end after a whole message", join(&[&whole, &end]), BROKEN),
        ("a text within a text", join(&[&begin, &whole, &end]), BROKEN),
        ("a beginning within a text", join(&[&begin, &begin, &end]), BROKEN),
        ("a binary within a text", join(&[&begin, &message(opcode::BINARY, text), &end]), BROKEN),
        ("a text within a binary", join(&[&frame(opcode::BINARY, b"{", MASK), &whole]), BROKEN),
        ("a ping between fragments", join(&[&begin, &ping, &middle, &ping, &end]), Want::Fine),
        ("a pong between fragments", join(&[&begin, &message(opcode::PONG, b""), &middle, &end]), Want::Fine),
        ("empty fragments", join(&[&begin, &empty, &empty, &middle, &empty, &end]), Want::Fine),
        ("a thousand empty fragments", join(&[&begin, &empty.repeat(1_000), &middle, &end]), Want::Fine),
        (
            "a close between fragments",
            join(&[&begin, &message(opcode::CLOSE, &[3, 0xe8])]),
            Want::Closed(&[1000]),
        ),
        ("reserved bits on a fragment", join(&[&begin, &frame(0x40, b"x", MASK), &end]), BROKEN),
        ("no mask on a fragment", join(&[&begin, &frame(FIN, b"x", None)]), BROKEN),
    ];
    cases.extend(list.into_iter().map(|(name, bytes, want)| Case::new(name, bytes, want)));
    cases
}

fn utf8() -> Vec<Case> {
    let bad: [&[u8]; 17] = [
        b"\xff",
        b"\xfe",
        b"\x80",
        b"\xbf\x80",
        b"\xc0\xaf",
        b"\xc1\xbf",
        b"\xc3",
        b"\xc3(",
        b"\xe0\x80\xaf",
        b"\xe2\x28\xa1",
        b"\xed\xa0\x80",
        b"\xed\xbf\xbf",
        b"\xf0\x80\x80\xaf",
        b"\xf0\x28\x8c\xbc",
        b"\xf4\x90\x80\x80",
        b"\xf8\x88\x80\x80\x80",
        b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80",
    ];
    let mut cases = Vec::new();
    for bytes in bad {
        let text = [br#"{"id":1,"cmd":"ping","x":""#, bytes, b"\"}"].concat();
        cases.push(Case::new(format!("{bytes:02x?}"), message(opcode::TEXT, &text), NO_TEXT));
        let pieces = cut(opcode::TEXT, &text, text.len());
        cases.push(Case::new(format!("{bytes:02x?} byte by byte"), pieces, NO_TEXT));
        let binary = message(opcode::BINARY, &text);
        cases.push(Case::new(format!("{bytes:02x?} as bytes"), binary, Want::Error("BAD_REQUEST")));
    }
    // Characters of two to four bytes cut within are text all the same; that there is no such command is told.
    let good = "{\"id\":1,\"cmd\":\"ç€😀\"}".as_bytes();
    for pieces in [2, 3, good.len()] {
        let bytes = cut(opcode::TEXT, good, pieces);
        cases.push(Case::new(format!("good text in {pieces}"), bytes, Want::Error("BAD_REQUEST")));
    }
    cases
}

fn sizes() -> Vec<Case> {
    let padded = |len: usize| format!("{PING}{}", " ".repeat(len - PING.len())).into_bytes();
    let announced = |len: u64| {
        let mut bytes = vec![FIN | opcode::TEXT, 0x80 | 127];
        bytes.extend_from_slice(&len.to_be_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes
    };
    let mut cases = Vec::new();
    for len in [125, 126, 127, 65_535, SIZE_MAX] {
        for kind in [opcode::TEXT, opcode::BINARY] {
            cases.push(Case::new(format!("{kind} of {len}"), message(kind, &padded(len)), Want::Fine));
        }
    }
    for len in [SIZE_MAX + 1, 2 * SIZE_MAX] {
        for kind in [opcode::TEXT, opcode::BINARY] {
            cases.push(Case::new(format!("{kind} of {len}"), message(kind, &padded(len)), TOO_LARGE));
            let pieces = cut(kind, &padded(len), 8);
            cases.push(Case::new(format!("{kind} of {len} in pieces"), pieces, TOO_LARGE));
        }
    }
    for len in [1 << 20, 1 << 32, (1 << 53) + 1, i64::MAX as u64] {
        cases.push(Case::new(format!("{len} bytes announced"), announced(len), TOO_LARGE));
    }
    // Past the sign bit it is no length of the standard at all.
    for len in [1 << 63, u64::MAX] {
        cases.push(Case::new(
            format!("{len} bytes announced"),
            announced(len),
            Want::Closed(&[1002, 1009, 4000, 4005]),
        ));
    }
    // Longer forms of a length than it needs: the standard forbids them, but they mean one thing only, and are taken.
    let mut long = vec![FIN | opcode::PING, 0x80 | 126, 0, 1, 0, 0, 0, 0, b'x'];
    cases.push(Case::new("a length of one in two bytes", long.clone(), Want::Fine));
    long.splice(1..4, [0x80 | 127, 0, 0, 0, 0, 0, 0, 0, 1]);
    cases.push(Case::new("a length of one in eight bytes", long, Want::Fine));
    cases
}
