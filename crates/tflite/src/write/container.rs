//! A FlatBuffer, written from the outside to the inside: what a reference leads to stands behind it.

/// What stands somewhere in the file.
#[derive(Clone, Debug)]
pub enum Part {
    /// Fields by their number in the schema.
    Table(Vec<(usize, Field)>),
    /// A list of tables.
    Tables(Vec<Self>),
    Ints(Vec<i32>),
    /// Values of tensors; on a multiple of 16 bytes.
    Bytes(Vec<u8>),
    Text(String),
}

/// What stands in a table.
#[derive(Clone, Debug)]
pub enum Field {
    Byte(u8),
    Int(i32),
    /// A reference to what stands elsewhere.
    Part(Part),
}

impl Part {
    /// The file, which begins with a reference to the table and with four letters.
    pub fn to_file(&self, identifier: [u8; 4]) -> Vec<u8> {
        let mut file = vec![0; 4];
        file.extend(identifier);
        let at = self.write_part(&mut file);
        write_reference(&mut file, 0, at);
        file
    }

    /// Writes it at the end; where it begins.
    fn write_part(&self, file: &mut Vec<u8>) -> usize {
        match self {
            Self::Table(fields) => write_table(file, fields),
            Self::Tables(parts) => {
                let at = write_list(file, parts.len(), 4, 0);
                let first = file.len();
                file.resize(first + parts.len() * 4, 0);
                for (place, part) in parts.iter().enumerate() {
                    let to = part.write_part(file);
                    write_reference(file, first + place * 4, to);
                }
                at
            }
            Self::Ints(values) => {
                let at = write_list(file, values.len(), 4, 0);
                file.extend(values.iter().flat_map(|value| value.to_le_bytes()));
                at
            }
            Self::Bytes(bytes) => {
                let at = write_list(file, bytes.len(), 16, 12);
                file.extend(bytes);
                at
            }
            Self::Text(text) => {
                let at = write_list(file, text.len(), 4, 0);
                file.extend(text.as_bytes());
                file.push(0);
                at
            }
        }
    }
}

fn write_table(file: &mut Vec<u8>, fields: &[(usize, Field)]) -> usize {
    // The larger ones first, so that each is on a multiple of its size.
    let is_byte = |field: &Field| matches!(field, Field::Byte(_));
    let large = fields.iter().filter(|(_, field)| !is_byte(field));
    let small = fields.iter().filter(|(_, field)| is_byte(field));
    let count = fields.iter().map(|(id, _)| id + 1).max().unwrap_or(0);
    let (mut offsets, mut size) = (vec![0_u16; count], 4_u16);
    for (id, field) in large.clone().chain(small.clone()) {
        offsets[*id] = size;
        size += if is_byte(field) { 1 } else { 4 };
    }

    align_file(file, 4, 0);
    let list = file.len();
    for number in [4 + count as u16 * 2, size].iter().chain(&offsets) {
        file.extend(number.to_le_bytes());
    }
    align_file(file, 4, 0);
    let at = file.len();
    file.extend(((at - list) as i32).to_le_bytes());
    let mut parts = Vec::new();
    for (_, field) in large.chain(small) {
        match field {
            Field::Byte(value) => file.push(*value),
            Field::Int(value) => file.extend(value.to_le_bytes()),
            Field::Part(part) => {
                parts.push((file.len(), part));
                file.extend([0; 4]);
            }
        }
    }
    for (from, part) in parts {
        let to = part.write_part(file);
        write_reference(file, from, to);
    }
    at
}

/// The beginning of a list: how long it is.
fn write_list(file: &mut Vec<u8>, len: usize, to: usize, rest: usize) -> usize {
    align_file(file, to, rest);
    let at = file.len();
    file.extend((len as u32).to_le_bytes());
    at
}

fn align_file(file: &mut Vec<u8>, to: usize, rest: usize) {
    while file.len() % to != rest {
        file.push(0);
    }
}

/// Makes the four bytes at `from` a reference.
fn write_reference(file: &mut [u8], from: usize, to: usize) {
    file[from..from + 4].copy_from_slice(&((to - from) as u32).to_le_bytes());
}
