//! Parquet files: the same columns as in files of text, of any type that holds such a thing. The number of a row stands
//! in the place of that of a line.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parquet::basic::{ConvertedType, LogicalType, Type as Physical};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use parquet::schema::types::Type;

use super::super::problem::Fault;
use super::Limits;
use super::row::FieldFault;
use super::rows::Rows;
use super::table::Table;
use super::times::shown;

/// Reads everything; as [`super::text::read`].
///
/// The reader of this format is not written for files that somebody has tampered with, and may panic over one. That ends
/// here, as a file that cannot be read.
pub(super) fn read(file: File, limits: Limits) -> Result<(Rows, Option<Fault>), (Option<u64>, FieldFault)> {
    catch_unwind(AssertUnwindSafe(|| read_all(file, limits)))
        .unwrap_or_else(|_| Err((None, (None, Fault::Unreadable("it is damaged".to_owned())))))
}

fn read_all(file: File, limits: Limits) -> Result<(Rows, Option<Fault>), (Option<u64>, FieldFault)> {
    let broken = |error: ParquetError| (None, (None, Fault::Unreadable(words(&error))));
    let reader = SerializedFileReader::new(file).map_err(broken)?;
    let schema = reader.metadata().file_metadata().schema_descr().root_schema_ptr();
    let fields = schema.get_fields();
    let names: Vec<&str> = fields.iter().map(|field| field.name()).collect();
    let mut rows = Rows::new(&names, limits).map_err(|fault| (None, fault))?;
    let mut wanted = rows.wanted();
    wanted.sort_unstable();
    for &at in &wanted {
        judge_type(&fields[at]).map_err(|fault| (None, fault))?;
    }
    if unpacked_len(reader.metadata(), &wanted) > limits.len_max {
        return Err((None, (None, Fault::Unreadable(limits.unpacked()))));
    }
    let part: Vec<Arc<Type>> = wanted.iter().map(|&at| Arc::clone(&fields[at])).collect();
    let part = Type::group_type_builder(schema.name()).with_fields(part).build().map_err(broken)?;
    let mut line = 0;
    for row in reader.get_row_iter(Some(part)).map_err(broken)? {
        let row = match row {
            Ok(row) => row,
            Err(error) => return Ok((rows, Some(Fault::BreaksOff { line, reason: words(&error) }))),
        };
        if let Some(reason) = rows.full() {
            return Ok((rows, Some(Fault::BreaksOff { line, reason })));
        }
        line += 1;
        let mut texts = vec![String::new(); names.len()];
        for ((_, field), &at) in row.get_column_iter().zip(&wanted) {
            texts[at] = text(field);
        }
        rows.take(line, &texts.iter().map(String::as_bytes).collect::<Vec<_>>());
    }
    Ok((rows, None))
}

/// How long some columns are when they are unpacked, as the file says; a length below zero counts as one without end.
fn unpacked_len(metadata: &ParquetMetaData, wanted: &[usize]) -> u64 {
    let schema = metadata.file_metadata().schema_descr();
    let columns = metadata.row_groups().iter().flat_map(|group| group.columns().iter().enumerate());
    let columns = columns.filter(|(leaf, _)| wanted.contains(&schema.get_column_root_idx(*leaf)));
    let lens = columns.map(|(_, column)| u64::try_from(column.uncompressed_size()).unwrap_or(u64::MAX));
    lens.fold(0, u64::saturating_add)
}

/// Whether a column can hold what is read: one value, that is a number, a text or a time.
fn judge_type(column: &Type) -> Result<(), FieldFault> {
    let found = match column {
        Type::GroupType { .. } => "group".to_owned(),
        Type::PrimitiveType { physical_type: Physical::BOOLEAN, .. } => "BOOLEAN".to_owned(),
        Type::PrimitiveType { physical_type: Physical::FIXED_LEN_BYTE_ARRAY, basic_info, .. }
            if basic_info.converted_type() != ConvertedType::DECIMAL
                && !matches!(basic_info.logical_type_ref(), Some(LogicalType::Decimal { .. })) =>
        {
            "FIXED_LEN_BYTE_ARRAY".to_owned()
        }
        Type::PrimitiveType { .. } => return Ok(()),
    };
    let expected = "numbers, texts or times";
    Err((field_of(column.name()), Fault::ColumnType { found, expected }))
}

/// The name that a column has in reports.
fn field_of(name: &str) -> Option<&'static str> {
    let known = [
        "open",
        "high",
        "low",
        "close",
        "volume",
        "price",
        "amount",
        "side",
        "id",
        "symbol",
        "timestamp",
        "date",
    ];
    known.into_iter().find(|known| name.trim().eq_ignore_ascii_case(known))
}

/// A value as a file of text would have it.
fn text(field: &Field) -> String {
    match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::Bytes(bytes) => String::from_utf8_lossy(bytes.data()).into_owned(),
        // The shortest digits that are read as the same number.
        Field::Double(number) => number.to_string(),
        Field::Float(number) => number.to_string(),
        Field::Date(days) => shown(i64::from(*days) * 86_400_000),
        Field::TimestampMillis(time) => shown(*time),
        Field::TimestampMicros(time) => shown(time.div_euclid(1_000)),
        other => other.to_string(),
    }
}

/// What is wrong, without the words in front of it.
fn words(error: &ParquetError) -> String {
    let text = error.to_string();
    text.split_once(": ").map_or(text.clone(), |(_, words)| words.to_owned())
}
