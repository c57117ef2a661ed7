//! What several tests and the examples share: generators of inputs, good and bad, from a seed.

// Each of them uses a part.
#![allow(dead_code)]

pub mod json;

/// A small generator of pseudo-random numbers (SplitMix64; Steele, Lea, Flood 2014), the same on every build.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

/// The bytes of one input: an envelope that would be right, but for changes at the level of values, of
/// fields, or of bytes, about half the time.
pub fn input(random: &mut Random) -> Vec<u8> {
    let (event_of_kind, data_of_kind, is_system) = match random.below(8) {
        0..=3 => ("\"price.tick\"", tick(random), false),
        4 => ("\"candles.bar\"", bar(random), false),
        5 => system(random),
        _ => ("\"user.moved\"", any_data(random, 0), false),
    };
    let rarely = |random: &mut Random| random.below(24) == 0;
    let is_wild = random.below(3) == 0;
    let wild = |random: &mut Random| is_wild && random.below(6) == 0;
    let event = if wild(random) { event(random) } else { event_of_kind };
    let channel = if wild(random) { channel(random) } else { "\"price:AAPL\"" };
    let seq = match (is_system, wild(random)) {
        (_, true) => integer(random),
        (true, false) => "0".into(),
        (false, false) => (1 + (random.next() >> (12 + random.below(50)))).to_string(),
    };
    let ts = if wild(random) { integer(random) } else { (random.next() >> 20).to_string() };
    let data = if wild(random) { any_data(random, 0) } else { data_of_kind };
    let mut fields = vec![
        format!(
            "\"v\":{}",
            choose(random, "1", if is_wild { &["2", "0", "\"1\"", "1.0", "null", "-1"] } else { &["1"] })
        ),
        format!("\"event\":{event}"),
        format!("\"channel\":{channel}"),
        format!("\"seq\":{seq}"),
        format!("\"ts\":{ts}"),
        String::from("\"ok\":true"),
        String::from("\"errorCode\":null"),
        format!("\"data\":{data}"),
    ];
    if rarely(random) {
        fields[5] = format!("\"ok\":{}", random.pick(&["true", "false", "false", "1", "null"]));
        fields[6] = format!(
            "\"errorCode\":{}",
            random.pick(&["null", "\"INTERNAL\"", "\"INTERNAL\"", "\"internal\"", "\"\"", "5", "\"NEW_1\""])
        );
    }
    if rarely(random) {
        let (a, b) = (random.below(8), random.below(8));
        fields.swap(a, b);
    }
    match random.below(48) {
        0 => drop(fields.remove(random.below(8))),
        1 => fields.push(fields[random.below(8)].clone()),
        2 => fields.push("\"extra\":1".into()),
        _ => {}
    }
    let comma = choose(random, ",", &[" ,", ",\t", ", "]);
    let mut bytes = format!("{{{}}}", fields.join(comma)).into_bytes();
    if random.below(6) == 0 {
        for _ in 0..=random.below(3) {
            disturb(random, &mut bytes);
        }
    }
    bytes
}

fn choose<'a>(random: &mut Random, usual: &'a str, others: &[&'a str]) -> &'a str {
    if random.below(12) == 0 { random.pick(others) } else { usual }
}

fn event(random: &mut Random) -> &'static str {
    random.pick(&[
        "\"price.tick\"",
        "\"price.tick\"",
        "\"candles.bar\"",
        "\"user.moved\"",
        "\"system.hello\"",
        "\"system.ack\"",
        "\"system.heartbeat\"",
        "\"system.error\"",
        "\"backpressure_drop\"",
        "\"price\\u002etick\"",
        "\"bad event\"",
        "\"\"",
        "null",
    ])
}

fn channel(random: &mut Random) -> &'static str {
    random.pick(&[
        "\"price:AAPL\"",
        "\"price:AAPL\"",
        "\"price:AAPL\"",
        "\"candles:BRK.B.1d\"",
        "\"\"",
        "\"price:\"",
        "\"price:A..B\"",
        "\"no channel\"",
        "\"p:1.2.3.4.5.6.7.8.9\"",
        "\"price:\\u0041\"",
        "7",
    ])
}

fn integer(random: &mut Random) -> String {
    match random.below(12) {
        0 => "0".into(),
        1 => random
            .pick(&["-1", "1.5", "9007199254740991", "9007199254740992", "01", "1e3", "\"1\"", "null"])
            .into(),
        _ => (random.next() >> (11 + random.below(53))).to_string(),
    }
}

fn number(random: &mut Random) -> String {
    match random.below(60) {
        0 => random
            .pick(&["1e999", "-1e-999", "null", "\"1\"", "1.", ".5", "-", "1E+5", "-0", "0.1e-7", "[]"])
            .into(),
        1..=3 => format!("{:e}", f64::from_bits(random.next()).clamp(-1e300, 1e300)),
        4..=12 => format!("-{}.{}", random.below(1_000), random.below(100)),
        _ => format!("{}.{:02}", random.below(1_000), random.below(100)),
    }
}

fn positive(random: &mut Random) -> String {
    if random.below(60) == 0 { number(random) } else { random.below(1_000_000).to_string() }
}

fn tick(random: &mut Random) -> String {
    let mut members = vec![String::from("\"symbol\":\"AAPL\""), format!("\"price\":{}", number(random))];
    if random.below(4) == 0 {
        members.push(format!("\"bid\":{}", number(random)));
        members.push(format!("\"ask\":{}", number(random)));
    }
    members.push(format!("\"volume\":{}", positive(random)));
    members.push(format!("\"change\":{}", number(random)));
    members.push(format!("\"changePct\":{}", number(random)));
    members.push(format!("\"marketTime\":{}", positive(random)));
    object(random, members)
}

fn bar(random: &mut Random) -> String {
    let price = |random: &mut Random| format!("{}.{:02}", 100 + random.below(100), random.below(100));
    let members = vec![
        String::from("\"symbol\":\"BRK.B\""),
        format!("\"interval\":\"{}\"", choose(random, "1d", &["1m", "1x", "0d"])),
        format!("\"openTime\":{}", positive(random)),
        format!("\"open\":{}", price(random)),
        format!("\"high\":{}", choose(random, "200", &["150.5", "99"])),
        format!("\"low\":{}", choose(random, "100", &["150.5", "300"])),
        format!("\"close\":{}", price(random)),
        format!("\"volume\":{}", positive(random)),
        format!("\"closed\":{}", choose(random, "true", &["false", "1"])),
    ];
    object(random, members)
}

fn object(random: &mut Random, mut members: Vec<String>) -> String {
    match random.below(40) {
        0 => drop(members.remove(random.below(members.len()))),
        1 => members.push(members[random.below(members.len())].clone()),
        2 => members.push("\"more\":[{}]".into()),
        3 => members.reverse(),
        _ => {}
    }
    format!("{{{}}}", members.join(","))
}

fn system(random: &mut Random) -> (&'static str, String, bool) {
    let (event, data) = [
        ("\"system.hello\"", r#"{"sessionId":"s","serverTime":1,"heartbeatMs":15000}"#),
        (
            "\"system.ack\"",
            r#"{"id":1,"channel":"price:A","epoch":"abcdefgh","head":1,"resumed":false,"mode":"state","maxHz":null,"staleAfterMs":5}"#,
        ),
        ("\"system.heartbeat\"", r#"{"serverTime":1,"heads":{"price:A":2}}"#),
        ("\"backpressure_drop\"", r#"{"dropped":1,"fromSeq":1,"toSeq":1,"capacity":16,"side":"client"}"#),
        ("\"system.error\"", r#"{"message":"no"}"#),
    ][random.below(5)];
    (event, data.into(), true)
}

fn any_data(random: &mut Random, depth: usize) -> String {
    match random.below(12) {
        0 => tick(random),
        1 => bar(random),
        2 => system(random).1,
        3..=4 if depth < 70 => {
            let inner = any_data(random, depth + 20);
            let levels = random.below(30);
            format!("{}{inner}{}", "[".repeat(levels), "]".repeat(levels))
        }
        5 => random.pick(&["\"\\x\"", "nul", "[1,]", "{\"a\"}"]).into(),
        6..=9 => random
            .pick(&["\"\\ud800\"", "\"é\\n\"", "{\"a\":1,\"a\":2}", "{}", "[]", "null", "[true,false]"])
            .into(),
        _ => number(random),
    }
}

fn disturb(random: &mut Random, bytes: &mut Vec<u8>) {
    let at = random.below(bytes.len().max(1)).min(bytes.len().saturating_sub(1));
    match random.below(5) {
        0 => bytes.truncate(at),
        1 => bytes.insert(at, random.next() as u8),
        2 if !bytes.is_empty() => drop(bytes.remove(at)),
        3 if !bytes.is_empty() => bytes[at] ^= 1 << random.below(8),
        _ => {
            let piece = bytes[at..].to_vec();
            bytes.splice(at..at, piece.into_iter().take(9));
        }
    }
}

/// The verdict on an envelope in the form of the vectors.
pub fn verdict(text: &[u8]) -> serde_json::Value {
    as_json(&live_core::envelope::parse(text))
}

/// A verdict in the form of the vectors.
pub fn as_json(
    judged: &Result<live_core::envelope::Envelope<'_>, live_core::envelope::Reject>,
) -> serde_json::Value {
    match judged {
        Ok(e) => serde_json::json!({
            "ok": true, "event": e.event, "channel": e.channel, "errorCode": e.error_code, "seq": e.seq, "ts": e.ts,
        }),
        Err(reject) => serde_json::json!({
            "ok": false, "code": reject.code.as_str(), "field": reject.field, "reason": reject.reason,
        }),
    }
}
