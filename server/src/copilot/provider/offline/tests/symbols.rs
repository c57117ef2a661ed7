//! Which symbols are found in a message.

use super::super::sentence::Sentence;
use super::super::symbols::find;
use super::*;

fn found(names: &[&str], text: &str) -> Vec<String> {
    let catalog = Catalog::of(names.iter().map(|name| Arc::from(*name)).collect());
    find(&Sentence::read(text).unwrap(), &catalog).symbols
}

#[test]
fn served_symbols_are_found_in_any_letters() {
    let served = ["AAPL", "btcusdt", "BRK.B", "BTC-USD", "Foo", "foo"];
    assert_eq!(found(&served, "aapl, BTCUSDT and BRK.B"), ["AAPL", "btcusdt", "BRK.B"]);
    assert_eq!(found(&served, "BTC-USD or foo or Foo or AAPL's"), ["BTC-USD", "foo", "Foo", "AAPL"]);
    assert_eq!(found(&served, "AAPL’ı AAPL'dan aapla"), ["AAPL"]);
}

#[test]
fn words_of_the_grammar_are_symbols_only_where_they_stand_out() {
    let served = ["MANY", "ALL", "MA", "F", "AAPL"];
    assert_eq!(found(&served, "sweep sma on MANY with fast 5"), ["MANY"]);
    assert_eq!(found(&served, "how many of all"), [""; 0]);
    assert_eq!(found(&served, "SHOW ALL PRICES"), [""; 0]);
    assert_eq!(found(&served, "price of F"), ["F"]);
    assert_eq!(found(&served, "5f f"), [""; 0]);
}

#[test]
fn capitals_that_are_not_served_are_symbols_where_one_is_meant() {
    let served = ["AAPL"];
    assert_eq!(found(&served, "price of TSLA"), ["TSLA"]);
    assert_eq!(found(&served, "TSLA FİYATI NE KADAR"), ["TSLA"]);
    assert_eq!(found(&served, "price of AAPL ASAP"), ["AAPL"]);
    assert_eq!(found(&served, "AAPL and TSLA"), ["AAPL", "TSLA"]);
    assert_eq!(found(&served, "PLEASE HURRY UP YOU THERE WITH IT"), [""; 0]);
    assert_eq!(found(&served, "AAPL değil TSLA, not AAPL"), ["TSLA"]);
}

#[test]
fn symbols_that_did_not_change_are_known_again() {
    let names: Vec<Arc<str>> = ["AAPL", "IBM"].map(Arc::from).to_vec();
    let catalog = Catalog::of(names.clone());
    assert!(catalog.is_of(&names));
    assert!(!catalog.is_of(&names[..1]));
    assert!(!Catalog::default().is_of(&names));
}
