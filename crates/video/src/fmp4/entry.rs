//! What is inside a sample entry.

use bytes::Bytes;

/// The decoder's parameters inside a sample entry: the body of its `avcC` or `hvcC`.
pub fn parameters(entry: &Bytes) -> Bytes {
    // A sample entry of pictures has 86 bytes before its boxes (ISO/IEC 14496-12 §12.1.3).
    let mut at = 86;
    while let Some(head) = entry.get(at..at + 8) {
        let size = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        if size < 8 || at + size > entry.len() {
            break;
        }
        if matches!(&head[4..], b"avcC" | b"hvcC") {
            return entry.slice(at + 8..at + size);
        }
        at += size;
    }
    Bytes::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_decoders_parameters_are_found_in_the_sample_entry() {
        let mut entry = vec![0; 86];
        entry.extend_from_slice(&[0, 0, 0, 9, b'p', b'a', b's', b'p', 1, 0, 0, 0, 10, b'a', b'v', b'c', b'C', 5, 6]);
        assert_eq!(&parameters(&entry.into())[..], [5, 6]);
        assert!(parameters(&Bytes::from(vec![0xff; 100])).is_empty());
        assert!(parameters(&Bytes::new()).is_empty());
    }
}
