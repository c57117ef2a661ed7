//! Files of Parquet, made here.

use ::parquet::basic::Compression;
use ::parquet::column::writer::ColumnWriter;
use ::parquet::data_type::ByteArray;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::parser::parse_message_type;
use proptest::prelude::*;

use super::*;

/// A column's values.
enum Values {
    Doubles(Vec<f64>),
    Ints(Vec<i32>),
    Longs(Vec<i64>),
    Texts(Vec<&'static str>),
    Flags(Vec<bool>),
}

use Values::{Doubles, Flags, Ints, Longs, Texts};

fn file(schema: &str, columns: &[Values]) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(&format!("message m {{ {schema} }}")).expect("a schema"));
    let mut out = Vec::new();
    let properties = Arc::new(WriterProperties::builder().set_compression(Compression::SNAPPY).build());
    let mut writer = SerializedFileWriter::new(&mut out, schema, properties).expect("in memory");
    let mut group = writer.next_row_group().expect("in memory");
    for values in columns {
        let mut column = group.next_column().expect("in memory").expect("as many as in the schema");
        let written = match (column.untyped(), values) {
            (ColumnWriter::DoubleColumnWriter(column), Doubles(values)) => {
                column.write_batch(values, None, None)
            }
            (ColumnWriter::Int32ColumnWriter(column), Ints(values)) => column.write_batch(values, None, None),
            (ColumnWriter::Int64ColumnWriter(column), Longs(values)) => {
                column.write_batch(values, None, None)
            }
            (ColumnWriter::BoolColumnWriter(column), Flags(values)) => column.write_batch(values, None, None),
            (ColumnWriter::ByteArrayColumnWriter(column), Texts(values)) => {
                let texts: Vec<ByteArray> = values.iter().map(|text| ByteArray::from(*text)).collect();
                column.write_batch(&texts, None, None)
            }
            _ => panic!("values that do not fit the schema"),
        };
        written.expect("in memory");
        column.close().expect("in memory");
    }
    group.close().expect("in memory");
    writer.close().expect("in memory");
    out
}

fn load_bytes(name: &str, content: &[u8]) -> Loaded {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join(name);
    std::fs::write(&path, content).expect("written");
    load_file(&path)
}

/// Good rows and what is told.
fn load_within(limits: Limits, content: &[u8]) -> (usize, Vec<String>) {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(content).expect("written");
    let mut loaded = Loaded::default();
    loaded.take("X.parquet", |_| parquet::read(file, limits));
    (rows(&loaded), told(&loaded))
}

const BARS: &str = "required int32 Date (DATE); required double Open; required double High; required double Low; \
    required double Close; required int64 Volume; required boolean Adjusted;";

fn bars(open: Vec<f64>) -> Vec<u8> {
    file(BARS, &columns_of_bars(open))
}

fn columns_of_bars(open: Vec<f64>) -> Vec<Values> {
    let same = |price: f64| Doubles(vec![price; 3]);
    let days = Ints(vec![18_262, 18_263, 18_264]);
    vec![days, Doubles(open), same(12.0), same(9.0), same(11.0), Longs(vec![100; 3]), Flags(vec![true; 3])]
}

#[test]
fn bars_and_trades_are_read_by_their_columns() {
    let loaded = load_bytes("X.parquet", &bars(vec![10.1, 9.0, 12.0]));
    assert_eq!(told(&loaded), [""; 0]);
    let Content::Bars { interval, bars } = &loaded.files[0].content else { panic!("bars") };
    assert_eq!((intervals::name(*interval), bars.len()), ("1d".to_owned(), 3));
    assert_eq!((bars[0].open_time, bars[0].open.to_string()), (18_262 * 86_400_000, "10.1".to_owned()));

    let schema = "required int64 timestamp (TIMESTAMP(MICROS,true)); required int64 id; \
        required binary side (UTF8); required int64 price (DECIMAL(12,2)); required binary amount (UTF8);";
    let columns = [
        Longs(vec![1_675_329_600_138_000, 1_675_329_600_214_000]),
        Longs(vec![7, 8]),
        Texts(vec!["buy", "sell"]),
        Longs(vec![166_680, 166_679]),
        Texts(vec!["26.062", "0.152"]),
    ];
    let loaded = load_bytes("trades-ETHUSDT.parquet", &file(schema, &columns));
    assert_eq!(told(&loaded), [""; 0]);
    let Content::Trades(trades) = &loaded.files[0].content else { panic!("trades") };
    let last = trades[1];
    assert_eq!((last.time, last.id, last.side), (1_675_329_600_214, Some(8), Some(Side::Sell)));
    assert_eq!(
        (last.price.to_string(), last.quantity.to_string()),
        ("1666.79".to_owned(), "0.152".to_owned())
    );
}

#[test]
fn what_is_wrong_is_told_by_row_and_column() {
    let told_of = |content: &[u8]| told(&load_bytes("X.parquet", content));
    let rows = bars(vec![10.0, f64::NAN, 13.0]);
    let expected = [
        "X.parquet:2: open \"NaN\" is not a finite number",
        "X.parquet:3: open 13 is outside the range from low 9 to high 12",
    ];
    assert_eq!(told_of(&rows), expected);
    let missing = file("required int64 date; required double open;", &[Longs(vec![1]), Doubles(vec![1.0])]);
    assert_eq!(told_of(&missing), ["X.parquet: high is a missing column"]);
    let schema = "required int64 date; required boolean open; required double high; required double low; \
        required double close; required double volume;";
    let price = || Doubles(vec![1.0]);
    let flags = file(schema, &[Longs(vec![1]), Flags(vec![true]), price(), price(), price(), price()]);
    let expected = "X.parquet: open is a column of type BOOLEAN instead of numbers, texts or times";
    assert_eq!(told_of(&flags), [expected]);
    assert!(told_of(b"PAR1 is not all there is to it")[0].starts_with("X.parquet: cannot be read: "));
    assert!(told_of(b"")[0].starts_with("X.parquet: cannot be read: "));
    assert!(told_of(&rows[..rows.len() - 7])[0].starts_with("X.parquet: cannot be read: "));
}

#[test]
fn of_a_file_with_too_many_rows_the_first_are_read_whether_good_or_bad() {
    let within = |rows_max, content: &[u8]| load_within(Limits { rows_max, ..LIMITS }, content);
    let all_good = bars(vec![10.0; 3]);
    assert_eq!(within(3, &all_good), (3, vec![]));
    let expected = "X.parquet: breaks off after line 2: no more than 2 rows are read";
    assert_eq!(within(2, &all_good), (2, vec![expected.to_owned()]));
    let (kept, told) = within(2, &bars(vec![f64::NAN; 3]));
    assert_eq!((kept, told.len(), &*told[2]), (0, 4, expected));
}

#[test]
fn a_small_file_that_unpacks_to_a_large_one_is_not_read() {
    let within = |len_max, content: &[u8]| load_within(Limits { len_max, ..LIMITS }, content);
    let with_long_texts = |name: &str| {
        let schema = format!("{BARS} required binary {name} (UTF8);");
        let text: &str = "X".repeat(100_000).leak();
        let mut columns = columns_of_bars(vec![10.0; 3]);
        columns.push(Texts(vec![text; 3]));
        file(&schema, &columns)
    };
    let content = with_long_texts("Symbol");
    assert!(content.len() < 10_000, "{}", content.len());
    let expected = "X.parquet: cannot be read: it is larger than 50000 bytes when it is unpacked";
    assert_eq!(within(50_000, &content), (0, vec![expected.to_owned()]));
    assert_eq!(within(200_000, &content), (3, vec![]));
    // A column that nobody reads is not unpacked.
    assert_eq!(within(50_000, &with_long_texts("Note")), (3, vec![]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Bytes that were changed or cut off make a file unreadable or rows bad, and nothing worse.
    #[test]
    fn a_damaged_file_is_no_trouble(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8), cut in any::<prop::sample::Index>(), is_cut in any::<bool>()) {
        let mut content = bars(vec![10.0; 3]);
        for (place, byte) in &changes {
            let place = place.index(content.len());
            content[place] = *byte;
        }
        if is_cut {
            content.truncate(cut.index(content.len()));
        }
        let loaded = load_bytes("X.parquet", &content);
        prop_assert!(rows(&loaded) <= 3);
    }
}
