//! Files of text: one row a line, fields apart by commas, semicolons or tabs; plain or packed by gzip.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

use super::super::problem::Fault;
use super::Limits;
use super::lines::{LINE_LEN_MAX, Lines};
use super::row::FieldFault;
use super::table::Table;

/// How a file that gzip has made begins (RFC 1952, 2.3.1).
const GZIP: [u8; 2] = [0x1F, 0x8B];

/// Reads everything. An error is one of the head line, without which no row means anything, or of the file itself; of a
/// file that breaks off the rows before stay, and the fault is beside them.
pub(super) fn read<T: Table>(
    mut content: impl BufRead,
    is_named_gzip: bool,
    limits: Limits,
) -> Result<(T, Option<Fault>), (Option<u64>, FieldFault)> {
    let begins = content.fill_buf().map_err(|error| (None, (None, unreadable(&error))))?;
    if begins.starts_with(&GZIP) {
        let unpacked = Capped { from: MultiGzDecoder::new(content), left: limits.len_max, limits };
        return read_plain(BufReader::new(unpacked), limits);
    }
    if is_named_gzip {
        return Err((None, (None, Fault::NotThat("packed by gzip"))));
    }
    read_plain(content, limits)
}

fn read_plain<T: Table>(
    content: impl BufRead,
    limits: Limits,
) -> Result<(T, Option<Fault>), (Option<u64>, FieldFault)> {
    let broken = |error: io::Error| (None, (None, unreadable(&error)));
    let mut lines = Lines::new(content);
    let (line, head) = lines.next().map_err(broken)?.ok_or((Some(1), (None, Fault::NoGoodRow)))?;
    if head.starts_with(b"\xFF\xFE") || head.starts_with(b"\xFE\xFF") {
        return Err((None, (None, Fault::Utf16)));
    }
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    let told = |fault| (Some(line), fault);
    let separator = separator(head);
    let mut record = csv::ByteRecord::new();
    split(head, separator, &mut record).map_err(told)?;
    let names: Vec<&str> = record
        .iter()
        .map(|name| str::from_utf8(name).map_err(|_| told((None, Fault::NotUtf8))))
        .collect::<Result<_, _>>()?;
    let mut rows = T::new(&names, limits).map_err(told)?;
    let mut last = line;
    loop {
        match lines.next() {
            Ok(Some((line, text))) => {
                if let Some(reason) = rows.full() {
                    return Ok((rows, Some(Fault::BreaksOff { line: last, reason })));
                }
                last = line;
                match split(text, separator, &mut record) {
                    Ok(()) => rows.take(line, &record.iter().collect::<Vec<_>>()),
                    Err(fault) => rows.report(line, fault),
                }
            }
            Ok(None) => return Ok((rows, None)),
            Err(error) => {
                return Ok((rows, Some(Fault::BreaksOff { line: last, reason: error.to_string() })));
            }
        }
    }
}

/// What the fields of a head line are apart by: what it has most of, a comma where it has none.
fn separator(head: &[u8]) -> u8 {
    let count = |separator: &u8| head.iter().filter(|byte| *byte == separator).count();
    // Of equals the last one is taken.
    [b'\t', b';', b','].into_iter().max_by_key(count).unwrap_or(b',')
}

/// The fields of one line. Each line stands for itself, so that a stray quote takes no other row with it.
fn split(line: &[u8], separator: u8, record: &mut csv::ByteRecord) -> Result<(), FieldFault> {
    if line.len() > LINE_LEN_MAX {
        return Err((None, Fault::LineTooLong(LINE_LEN_MAX)));
    }
    let mut builder = csv::ReaderBuilder::new();
    builder
        .flexible(true)
        .has_headers(false)
        .delimiter(separator)
        .buffer_capacity(line.len().clamp(64, 8_192));
    // In memory and flexible, nothing can go wrong; if it did, the row would be one without columns.
    let read = builder.from_reader(line).read_byte_record(record);
    read.map(|_| ()).map_err(|error| (None, Fault::Unreadable(error.to_string())))
}

pub(super) fn unreadable(error: &io::Error) -> Fault {
    Fault::Unreadable(error.to_string())
}

/// Reads up to a limit, beyond which it breaks off: a small file can be unpacked to a very large one.
struct Capped<R> {
    from: R,
    left: u64,
    limits: Limits,
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        let left = self.left.checked_sub(read as u64);
        self.left = left.ok_or_else(|| io::Error::other(self.limits.unpacked()))?;
        Ok(read)
    }
}
