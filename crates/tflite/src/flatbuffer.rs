//! FlatBuffers as TFLite files use them: tables whose fields may be absent, vectors, and text.
//!
//! All numbers are little-endian. A table begins with the signed distance back to its list of fields, which says for each
//! field where in the table it is, or 0. Vectors and tables within are distances forward. Every access is checked against the
//! file, and nothing is allocated here: a file that repeats itself costs who reads it, and who reads it counts.

use crate::error::ConvertError;

/// Most parts of a vector of tables or numbers.
pub const MAX_ITEMS: usize = 1 << 14;

type Result<T> = std::result::Result<T, ConvertError>;

/// A table, with where its fields are.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a> {
    file: &'a [u8],
    at: usize,
    fields: &'a [u8],
}

/// A vector of parts of the same size.
#[derive(Clone, Copy, Debug)]
pub struct Vector<'a> {
    file: &'a [u8],
    /// Of the first part.
    at: usize,
    len: usize,
}

impl<'a> Table<'a> {
    /// The table that the file begins with, if the file says that it is one of these.
    pub fn root(file: &'a [u8], identifier: [u8; 4]) -> Result<Self> {
        match file.get(4..8) {
            None => Err(ConvertError::NotTflite("it is too short")),
            Some(found) if found != identifier => {
                Err(ConvertError::NotTflite("the letters TFL3 are missing at its beginning"))
            }
            Some(_) => Self::from_offset(file, follow_offset(file, 0)?),
        }
    }

    fn from_offset(file: &'a [u8], at: usize) -> Result<Self> {
        let damaged = ConvertError::Damaged { what: "a table", at };
        let back = i64::from(i32::from_le_bytes(read_array(file, at, "a table")?));
        let fields = i64::try_from(at).ok().and_then(|at| usize::try_from(at - back).ok());
        let fields = fields.ok_or(damaged.clone())?;
        let size = usize::from(u16::from_le_bytes(read_array(file, fields, "a table's fields")?));
        // Its own size and the table's come first.
        let end = fields.checked_add(size).ok_or(damaged.clone())?;
        let fields = file.get(fields..end).and_then(|fields| fields.get(4..)).ok_or(damaged)?;
        Ok(Self { file, at, fields })
    }

    /// Where a field is.
    fn field_offset(&self, id: usize) -> Option<usize> {
        let offset = self.fields.get(id * 2..id * 2 + 2)?;
        let offset = usize::from(u16::from_le_bytes([offset[0], offset[1]]));
        (offset > 0).then_some(self.at + offset)
    }

    /// A number of one byte.
    pub fn byte(&self, id: usize) -> Result<u8> {
        self.field_offset(id).map_or(Ok(0), |at| Ok(read_array::<1>(self.file, at, "a number")?[0]))
    }

    /// A number of four bytes.
    pub fn int(&self, id: usize, default: i32) -> Result<i32> {
        self.field_offset(id)
            .map_or(Ok(default), |at| Ok(i32::from_le_bytes(read_array(self.file, at, "a number")?)))
    }

    /// A place in a list.
    pub fn index(&self, id: usize) -> Result<usize> {
        Ok(self.int(id, 0)?.cast_unsigned() as usize)
    }

    /// A table within.
    pub fn table(&self, id: usize) -> Result<Option<Self>> {
        self.field_offset(id)
            .map(|at| Self::from_offset(self.file, follow_offset(self.file, at)?))
            .transpose()
    }

    /// Bytes as they are; none where there are none.
    pub fn bytes(&self, id: usize) -> Result<&'a [u8]> {
        let Some(vector) = self.vector(id, 1)? else { return Ok(&[]) };
        Ok(&self.file[vector.at..vector.at + vector.len])
    }

    /// Numbers of four bytes; none where there are none.
    pub fn ints(&self, id: usize) -> Result<impl ExactSizeIterator<Item = i32> + use<'a>> {
        let bytes = match self.bounded_vector(id)? {
            Some(vector) => &self.file[vector.at..vector.at + vector.len * 4],
            None => &[],
        };
        let (parts, _) = bytes.as_chunks::<4>();
        Ok(parts.iter().map(|part| i32::from_le_bytes(*part)))
    }

    /// Tables; none where there are none.
    pub fn tables(&self, id: usize) -> Result<impl ExactSizeIterator<Item = Result<Self>> + use<'a>> {
        let vector = self.bounded_vector(id)?.unwrap_or(Vector { file: self.file, at: 0, len: 0 });
        Ok((0..vector.len).map(move |place| vector.table(place)))
    }

    /// A vector of parts of four bytes.
    fn bounded_vector(&self, id: usize) -> Result<Option<Vector<'a>>> {
        let vector = self.vector(id, 4)?;
        match vector {
            Some(Vector { len, .. }) if len > MAX_ITEMS => {
                Err(ConvertError::TooLarge { what: format!("a list of {len} parts"), most: MAX_ITEMS })
            }
            vector => Ok(vector),
        }
    }

    /// A vector that lies within the file as a whole.
    fn vector(&self, id: usize, part: usize) -> Result<Option<Vector<'a>>> {
        let Some(at) = self.field_offset(id) else { return Ok(None) };
        let at = follow_offset(self.file, at)?;
        let len = u32::from_le_bytes(read_array(self.file, at, "a list")?) as usize;
        let first = at + 4;
        let fits = len.checked_mul(part).is_some_and(|bytes| bytes <= self.file.len() - first);
        if fits {
            Ok(Some(Vector { file: self.file, at: first, len }))
        } else {
            Err(ConvertError::Damaged { what: "a list that is longer than the file", at })
        }
    }
}

impl<'a> Vector<'a> {
    fn table(&self, place: usize) -> Result<Table<'a>> {
        Table::from_offset(self.file, follow_offset(self.file, self.at + place * 4)?)
    }
}

/// Where the distance that stands there leads.
fn follow_offset(file: &[u8], at: usize) -> Result<usize> {
    let forward = u32::from_le_bytes(read_array(file, at, "a reference")?) as usize;
    let to = at.checked_add(forward).filter(|to| *to < file.len() && forward > 0);
    to.ok_or(ConvertError::Damaged { what: "a reference out of the file", at })
}

fn read_array<const N: usize>(file: &[u8], at: usize, what: &'static str) -> Result<[u8; N]> {
    let bytes = at.checked_add(N).and_then(|end| file.get(at..end));
    bytes.and_then(|bytes| bytes.try_into().ok()).ok_or(ConvertError::Damaged { what, at })
}
