//! A small generated photo: a grey picture as PNG, without a library. The same seed gives the same picture.

/// Width and height, pixels.
const SIDE: (u32, u32) = (96, 64);

/// A PNG of about 6 KB that looks like haze over a horizon.
pub(crate) fn png(seed: u64) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = Vec::new();
    header.extend(SIDE.0.to_be_bytes());
    header.extend(SIDE.1.to_be_bytes());
    // 8 bits, grey, deflate, no filter set, not interlaced.
    header.extend([8, 0, 0, 0, 0]);
    chunk(&mut file, b"IHDR", &header);
    chunk(&mut file, b"IDAT", &zlib(&pixels(seed)));
    chunk(&mut file, b"IEND", &[]);
    file
}

fn chunk(file: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    file.extend((data.len() as u32).to_be_bytes());
    let mut crc = crc32fast::Hasher::new();
    crc.update(kind);
    crc.update(data);
    file.extend(kind);
    file.extend(data);
    file.extend(crc.finalize().to_be_bytes());
}

/// Each row begins with its filter, none.
fn pixels(seed: u64) -> Vec<u8> {
    let (width, height) = SIDE;
    let mut noise = seed | 1;
    let mut all = Vec::with_capacity((height * (width + 1)) as usize);
    for y in 0..height {
        all.push(0);
        for x in 0..width {
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            let base = if y * 3 > height * 2 { 70 } else { 190 - y };
            let smoke = 60 * u32::from((x + y * 2 + seed as u32 % 40) % 48 < 14);
            all.push((base.saturating_sub(smoke) + (noise >> 60) as u32).min(255) as u8);
        }
    }
    all
}

/// Stored blocks of at most 65,535 bytes, and the checksum of RFC 1950.
fn zlib(data: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let mut blocks = data.chunks(65_535).peekable();
    while let Some(block) = blocks.next() {
        out.push(u8::from(blocks.peek().is_none()));
        out.extend((block.len() as u16).to_le_bytes());
        out.extend((!(block.len() as u16)).to_le_bytes());
        out.extend(block);
    }
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in data {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    out.extend((b << 16 | a).to_be_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_is_a_small_png_and_depends_on_its_seed() {
        let picture = png(7);
        assert_eq!(&picture[..8], b"\x89PNG\r\n\x1a\n");
        assert!(picture.ends_with(b"IEND\xae\x42\x60\x82"));
        assert!((2_000..20_000).contains(&picture.len()), "{}", picture.len());
        assert_eq!(picture, png(7));
        assert_ne!(picture, png(8));
    }
}
