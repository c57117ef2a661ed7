//! Who may read which channel: patterns, and the rules that are made of them.
//!
//! A pattern is written like a channel's name. `*` stands for exactly one segment, or for the namespace; a final
//! `**` for one segment or more; `{user}` for the subject of whoever asks. The same text stands in the settings and
//! in the `channels` claim of a token.

use std::fmt;

use crate::channel::{CHANNEL_SEGMENTS_MAX, ChannelName};

/// Longest pattern, in bytes.
pub const PATTERN_LEN_MAX: usize = 160;
/// Most patterns in one list.
pub const PATTERNS_MAX: usize = 256;

/// Why a text is not a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternFault {
    /// More than [`PATTERN_LEN_MAX`] bytes.
    #[error("pattern is longer than 160 characters")]
    TooLong,
    /// There is nothing before a colon, or no colon.
    #[error("pattern has no namespace before a colon")]
    NoNamespace,
    /// The namespace is neither a word nor `*`.
    #[error("namespace of a pattern is neither a word nor '*'")]
    Namespace,
    /// A segment is neither a word nor a placeholder.
    #[error("segment of a pattern is neither a word nor '*', '{{user}}' or a final '**'")]
    Segment,
    /// More segments than a channel can have.
    #[error("pattern has more than 8 segments")]
    TooManySegments,
    /// More than [`PATTERNS_MAX`] patterns in one list.
    #[error("there are more than 256 patterns")]
    TooMany,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Word(Box<str>),
    /// `*`
    Any,
    /// `{user}`
    User,
}

/// A set of channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    namespace: Part,
    parts: Vec<Part>,
    /// It ends in `**`, which is not among the parts.
    has_rest: bool,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// The first fault from the left; length is judged before anything else.
    pub fn parse(text: &str) -> Result<Self, PatternFault> {
        if text.len() > PATTERN_LEN_MAX {
            return Err(PatternFault::TooLong);
        }
        let (namespace, path) = text.split_once(':').ok_or(PatternFault::NoNamespace)?;
        let namespace = match namespace {
            "" => return Err(PatternFault::NoNamespace),
            "*" => Part::Any,
            word if is_word(word) => Part::Word(word.into()),
            _ => return Err(PatternFault::Namespace),
        };
        let (path, has_rest) = match path.strip_suffix("**") {
            Some("") => (None, true),
            Some(before) => (Some(before.strip_suffix('.').ok_or(PatternFault::Segment)?), true),
            None => (Some(path), false),
        };
        let parts = path.map_or(Ok(Vec::new()), |path| path.split('.').map(Part::read).collect())?;
        if parts.len() + usize::from(has_rest) > CHANNEL_SEGMENTS_MAX {
            return Err(PatternFault::TooManySegments);
        }
        Ok(Self { namespace, parts, has_rest })
    }

    /// Whether a channel is in the set, for somebody with this subject. Without one, `{user}` stands for nothing.
    pub fn matches(&self, channel: &ChannelName, subject: Option<&str>) -> bool {
        let mut segments = channel.segments();
        self.namespace.matches(channel.namespace(), subject)
            && self.parts.iter().all(|part| segments.next().is_some_and(|text| part.matches(text, subject)))
            && segments.next().is_some() == self.has_rest
    }
}

impl Part {
    fn read(text: &str) -> Result<Self, PatternFault> {
        match text {
            "*" => Ok(Self::Any),
            "{user}" => Ok(Self::User),
            word if is_word(word) => Ok(Self::Word(word.into())),
            _ => Err(PatternFault::Segment),
        }
    }

    fn matches(&self, text: &str, subject: Option<&str>) -> bool {
        match self {
            Self::Word(word) => **word == *text,
            Self::Any => true,
            Self::User => subject == Some(text),
        }
    }

    fn as_str(&self) -> &str {
        match self {
            Self::Word(word) => word,
            Self::Any => "*",
            Self::User => "{user}",
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.namespace.as_str())?;
        let rest = self.has_rest.then_some("**");
        for (at, part) in self.parts.iter().map(Part::as_str).chain(rest).enumerate() {
            let dot = if at > 0 { "." } else { "" };
            write!(f, "{dot}{part}")?;
        }
        Ok(())
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// What is allowed, and what of it is not. Without a pattern nothing is allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// What is allowed.
    pub allow: Vec<Pattern>,
    /// What is not, whatever allows it.
    pub deny: Vec<Pattern>,
}

impl Rules {
    /// Rules that allow every channel.
    pub fn everything() -> Self {
        Self {
            allow: vec![Pattern { namespace: Part::Any, parts: Vec::new(), has_rest: true }],
            deny: Vec::new(),
        }
    }

    /// Reads two lists of patterns.
    ///
    /// # Errors
    /// The first fault, with the text at fault.
    pub fn parse<T: AsRef<str>>(allow: &[T], deny: &[T]) -> Result<Self, (String, PatternFault)> {
        Ok(Self { allow: list(allow)?, deny: list(deny)? })
    }

    fn allows(&self, channel: &ChannelName, subject: Option<&str>) -> bool {
        self.allow.iter().any(|pattern| pattern.matches(channel, subject))
    }

    fn denies(&self, channel: &ChannelName, subject: Option<&str>) -> bool {
        self.deny.iter().any(|pattern| pattern.matches(channel, subject))
    }
}

/// Reads a list of patterns.
fn list<T: AsRef<str>>(texts: &[T]) -> Result<Vec<Pattern>, (String, PatternFault)> {
    if texts.len() > PATTERNS_MAX {
        return Err((String::new(), PatternFault::TooMany));
    }
    let read = |text: &T| Pattern::parse(text.as_ref()).map_err(|fault| (text.as_ref().to_owned(), fault));
    texts.iter().map(read).collect()
}

/// Whether somebody may read a channel: one of the roles' rules allows it and none denies it, and the token's own
/// rules, where it has some, allow it too and do not deny it. So a token can only narrow what its roles allow.
pub fn may_read<'a>(
    channel: &ChannelName,
    subject: Option<&str>,
    roles: impl Iterator<Item = &'a Rules> + Clone,
    narrowed: Option<&'a Rules>,
) -> bool {
    let mut denying = roles.clone().chain(narrowed);
    let mut allowing = roles;
    !denying.any(|rules| rules.denies(channel, subject))
        && allowing.any(|rules| rules.allows(channel, subject))
        && narrowed.is_none_or(|rules| rules.allows(channel, subject))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn channel(name: &str) -> ChannelName {
        ChannelName::parse(name).expect("a good name")
    }

    fn rules(allow: &[&str], deny: &[&str]) -> Rules {
        Rules::parse(allow, deny).expect("good patterns")
    }

    #[test]
    fn a_pattern_stands_for_channels() {
        let check = |pattern: &str, name: &str, expected: bool| {
            let pattern = Pattern::parse(pattern).expect("a good pattern");
            assert_eq!(pattern.matches(&channel(name), Some("ada")), expected, "{pattern} and {name}");
        };
        for (pattern, name, expected) in [
            ("price:AAPL", "price:AAPL", true),
            ("price:AAPL", "price:aapl", false),
            ("price:AAPL", "price:AAPL.x", false),
            ("price:*", "price:AAPL", true),
            ("price:*", "price:BRK.B", false),
            ("price:**", "price:AAPL", true),
            ("price:**", "price:BRK.B", true),
            ("price:**", "prices:AAPL", false),
            ("candles:*.1m", "candles:AAPL.1m", true),
            ("candles:*.1m", "candles:AAPL.1h", false),
            ("candles:*.1m", "candles:BRK.B.1m", false),
            ("a:b.**", "a:b", false),
            ("a:b.**", "a:b.c", true),
            ("a:b.**", "a:b.c.d.e", true),
            ("a:*.**", "a:b", false),
            ("*:**", "anything:at.all", true),
            ("*:x", "n:x", true),
            ("inbox:{user}", "inbox:ada", true),
            ("inbox:{user}", "inbox:bob", false),
            ("inbox:{user}.**", "inbox:ada.1.2", true),
            ("inbox:{user}.**", "inbox:ada", false),
        ] {
            check(pattern, name, expected);
        }
    }

    #[test]
    fn a_subject_that_is_no_segment_stands_for_nothing() {
        let pattern = Pattern::parse("inbox:{user}").expect("a good pattern");
        for subject in [None, Some(""), Some("*"), Some("a.b"), Some("{user}"), Some("ada ")] {
            for name in ["inbox:ada", "inbox:a.b", "inbox:user"] {
                assert!(!pattern.matches(&channel(name), subject), "{subject:?} and {name}");
            }
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        use PatternFault::*;
        for (text, fault) in [
            ("", NoNamespace),
            ("price", NoNamespace),
            (":x", NoNamespace),
            ("**", NoNamespace),
            ("**:x", Namespace),
            ("{user}:x", Namespace),
            ("pri ce:x", Namespace),
            ("price:", Segment),
            ("price:.x", Segment),
            ("price:x.", Segment),
            ("price:x..y", Segment),
            ("price:**.x", Segment),
            ("price:x**", Segment),
            ("price:***", Segment),
            ("price:*x", Segment),
            ("price:{usr}", Segment),
            ("price:a{user}", Segment),
            ("price:a:b", Segment),
            ("price:\u{131}", Segment),
            ("price:a\0", Segment),
            ("p:1.2.3.4.5.6.7.8.9", TooManySegments),
            ("p:1.2.3.4.5.6.7.8.**", TooManySegments),
        ] {
            assert_eq!(Pattern::parse(text), Err(fault), "{text:?}");
        }
        assert_eq!(Pattern::parse(&format!("p:{}", "a".repeat(159))), Err(TooLong));
        let many = vec!["p:*"; PATTERNS_MAX + 1];
        assert_eq!(Rules::parse(&many, &[]), Err((String::new(), TooMany)));
    }

    #[test]
    fn nothing_is_allowed_by_default_and_a_denial_wins() {
        let price = channel("price:AAPL");
        let read =
            |roles: &[Rules], narrowed: Option<&Rules>| may_read(&price, Some("ada"), roles.iter(), narrowed);
        assert!(!read(&[], None));
        assert!(!read(&[Rules::default()], None));
        assert!(read(&[rules(&["price:**"], &[])], None));
        assert!(!read(&[rules(&["price:**"], &["price:AAPL"])], None));
        assert!(!read(&[rules(&["price:**"], &[]), rules(&[], &["*:**"])], None), "a denial of another role");
        assert!(!read(&[rules(&["price:**"], &[])], Some(&Rules::default())));
        assert!(!read(&[rules(&["price:**"], &[])], Some(&rules(&["price:*"], &["price:AAPL"]))));
        assert!(!read(&[], Some(&Rules::everything())), "a token cannot widen");
        assert!(read(&[Rules::default(), Rules::everything()], Some(&rules(&["price:AAPL"], &[]))));
    }

    fn pattern_text() -> impl Strategy<Value = String> {
        let part = prop_oneof![Just("*".to_owned()), Just("{user}".to_owned()), "[ab]{1,2}"];
        let namespace = prop_oneof![Just("*".to_owned()), "[pq]"];
        (namespace, prop::collection::vec(part, 0..4), any::<bool>()).prop_map(
            |(namespace, mut parts, has_rest)| {
                if has_rest || parts.is_empty() {
                    parts.push("**".to_owned());
                }
                format!("{namespace}:{}", parts.join("."))
            },
        )
    }

    /// The meaning of a pattern once more, by trying what each `**` could stand for.
    fn by_definition(pattern: &str, name: &str, subject: &str) -> bool {
        let parts = |text: &str| text.split([':', '.']).map(str::to_owned).collect::<Vec<_>>();
        let (mut pattern, name) = (parts(pattern), parts(name));
        if pattern.last().is_some_and(|last| last == "**") {
            pattern.pop();
            pattern.resize(name.len().max(pattern.len() + 1), "*".to_owned());
        }
        let fits = |(part, text): (&String, &String)| {
            part == "*" || part == text || (part == "{user}" && text == subject)
        };
        pattern.len() == name.len() && pattern.iter().zip(&name).all(fits)
    }

    proptest! {
        #[test]
        fn a_pattern_means_what_its_parts_mean(text in pattern_text(), name in "[pq]:[ab]{1,2}(\\.[ab]{1,2}){0,4}", subject in "[ab]{1,2}") {
            let pattern = Pattern::parse(&text).expect("a good pattern");
            prop_assert_eq!(pattern.to_string(), text.as_str());
            prop_assert_eq!(pattern.matches(&channel(&name), Some(&subject)), by_definition(&text, &name, &subject));
        }

        #[test]
        fn more_denials_and_a_narrower_token_never_allow_more(
            allow in prop::collection::vec(pattern_text(), 0..4),
            deny in prop::collection::vec(pattern_text(), 0..3),
            more in prop::collection::vec(pattern_text(), 0..3),
            name in "[pq]:[ab]{1,2}(\\.[ab]{1,2}){0,3}",
        ) {
            let name = channel(&name);
            let role = Rules::parse(&allow, &deny).expect("good patterns");
            let stricter = Rules::parse(&more, &deny).expect("good patterns");
            let before = may_read(&name, Some("a"), std::iter::once(&role), None);
            prop_assert!(before || !may_read(&name, Some("a"), std::iter::once(&role), Some(&stricter)));
            let mut denied = role.clone();
            denied.deny.extend(stricter.allow.iter().cloned());
            prop_assert!(before || !may_read(&name, Some("a"), std::iter::once(&denied), None));
            if stricter.allow.iter().any(|pattern| pattern.matches(&name, Some("a"))) {
                prop_assert!(!may_read(&name, Some("a"), [&denied, &Rules::everything()].into_iter(), None));
            }
        }

        #[test]
        fn any_text_is_taken_or_refused(text in ".{0,40}") {
            if let Ok(pattern) = Pattern::parse(&text) {
                prop_assert_eq!(pattern.to_string(), text);
            }
        }
    }
}
