//! Blocks of two streams in turns.

use sha2::block_api::compress256;

use super::BLOCK;

/// As many blocks of the one as of the other.
type Blocks<'a> = [&'a [[u8; BLOCK]]; 2];

/// Updates both states, each with its own blocks.
pub(super) fn compress(states: [&mut [u32; 8]; 2], blocks: Blocks<'_>) {
    // Where this is not optimised, the crate still is, and does both sooner.
    #[cfg(all(target_arch = "x86_64", not(debug_assertions)))]
    if x86::is_there() {
        // SAFETY: the processor has been asked for what the function is compiled for.
        return unsafe { x86::compress(states, blocks) };
    }
    one_by_one(states, blocks);
}

fn one_by_one(states: [&mut [u32; 8]; 2], blocks: Blocks<'_>) {
    states.into_iter().zip(blocks).for_each(|(state, blocks)| compress256(state, blocks));
}

/// By the processor's own instructions: Intel, "Intel SHA Extensions", 2013.
#[cfg(all(target_arch = "x86_64", any(test, not(debug_assertions))))]
mod x86 {
    use std::arch::is_x86_feature_detected;
    use std::arch::x86_64::{
        __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_extract_epi32, _mm_set_epi32, _mm_sha256msg1_epu32,
        _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32, _mm_shuffle_epi32,
    };

    use super::{BLOCK, Blocks};

    /// FIPS 180-4, 4.2.2.
    const CONSTANTS: [u32; 64] = [
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
    ];
    /// A stream's state as the instructions take it: a, b, e, f and c, d, g, h, the first letter in the highest word.
    type State = [__m128i; 2];
    /// Sixteen words of the schedule.
    type Words = [__m128i; 4];

    pub(super) fn is_there() -> bool {
        is_x86_feature_detected!("sha")
            && is_x86_feature_detected!("ssse3")
            && is_x86_feature_detected!("sse4.1")
    }

    #[target_feature(enable = "sha,ssse3,sse4.1")]
    pub(super) fn compress(states: [&mut [u32; 8]; 2], blocks: Blocks<'_>) {
        let mut packed = [pack(states[0]), pack(states[1])];
        for (one, other) in blocks[0].iter().zip(blocks[1]) {
            let before = packed;
            let mut words = [words(one), words(other)];
            // Four steps at a time, since the compiler keeps words in registers only where it knows which they are.
            let (steps, _) = CONSTANTS.as_chunks().0.as_chunks::<4>();
            for (number, steps) in steps.iter().enumerate() {
                for (step, constants) in steps.iter().enumerate() {
                    let constants = vector(*constants);
                    // What this file is about: the one's rounds do not wait for the other's.
                    for stream in 0..2 {
                        if number > 0 {
                            schedule(&mut words[stream], step);
                        }
                        let four = _mm_add_epi32(words[stream][step], constants);
                        rounds(&mut packed[stream], four);
                    }
                }
            }
            for (state, before) in packed.as_flattened_mut().iter_mut().zip(before.as_flattened()) {
                *state = _mm_add_epi32(*state, *before);
            }
        }
        for (state, packed) in states.into_iter().zip(packed) {
            *state = unpack(packed);
        }
    }

    /// Four rounds, with the words of the schedule and their constants added up.
    #[inline]
    #[target_feature(enable = "sha")]
    fn rounds([abef, cdgh]: &mut State, four: __m128i) {
        // What was c, d, g and h is a, b, e and f two rounds later, and the reverse.
        *cdgh = _mm_sha256rnds2_epu32(*cdgh, *abef, four);
        *abef = _mm_sha256rnds2_epu32(*abef, *cdgh, _mm_shuffle_epi32(four, 0b1110));
    }

    /// Puts the words of a step, modulo four, in place of those of four steps before.
    #[inline]
    #[target_feature(enable = "sha,ssse3")]
    fn schedule(words: &mut Words, step: usize) {
        let [oldest, second, third, newest] = [0, 1, 2, 3].map(|back| words[(step + back) % 4]);
        let sum = _mm_add_epi32(_mm_sha256msg1_epu32(oldest, second), _mm_alignr_epi8(newest, third, 4));
        words[step] = _mm_sha256msg2_epu32(sum, newest);
    }

    #[inline]
    #[target_feature(enable = "sse4.1")]
    fn words(block: &[u8; BLOCK]) -> Words {
        let (words, _) = block.as_chunks();
        let words: [u32; 16] = std::array::from_fn(|number| u32::from_be_bytes(words[number]));
        let (fours, _) = words.as_chunks();
        [vector(fours[0]), vector(fours[1]), vector(fours[2]), vector(fours[3])]
    }

    #[inline]
    #[target_feature(enable = "sse4.1")]
    fn pack(&[a, b, c, d, e, f, g, h]: &[u32; 8]) -> State {
        [vector([f, e, b, a]), vector([h, g, d, c])]
    }

    #[inline]
    #[target_feature(enable = "sse4.1")]
    fn unpack([abef, cdgh]: State) -> [u32; 8] {
        let ([f, e, b, a], [h, g, d, c]) = (four(abef), four(cdgh));
        [a, b, c, d, e, f, g, h]
    }

    /// The first word in the lowest place.
    #[inline]
    #[target_feature(enable = "sse4.1")]
    fn vector(words: [u32; 4]) -> __m128i {
        let [lowest, second, third, highest] = words.map(u32::cast_signed);
        _mm_set_epi32(highest, third, second, lowest)
    }

    #[inline]
    #[target_feature(enable = "sse4.1")]
    fn four(vector: __m128i) -> [u32; 4] {
        let words = [
            _mm_extract_epi32(vector, 0),
            _mm_extract_epi32(vector, 1),
            _mm_extract_epi32(vector, 2),
            _mm_extract_epi32(vector, 3),
        ];
        words.map(i32::cast_unsigned)
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    #[test]
    fn in_turns_or_one_by_one() {
        if !x86::is_there() {
            eprintln!("this processor has no instructions for SHA-256");
            return;
        }
        let blocks = [3, 7].map(|factor: usize| -> [[u8; BLOCK]; 9] {
            std::array::from_fn(|block| {
                std::array::from_fn(|at| ((block * BLOCK + at) * factor * factor % 251) as u8)
            })
        });
        let states = [1, 2].map(|factor| std::array::from_fn(|at| u32::MAX / (at as u32 + factor)));
        for length in [0, 1, 2, 9] {
            let blocks = [&blocks[0][..length], &blocks[1][..length]];
            let [mut in_turns, mut in_order] = [states; 2];
            // SAFETY: the processor has been asked for what the function is compiled for.
            unsafe { x86::compress(in_turns.each_mut(), blocks) };
            one_by_one(in_order.each_mut(), blocks);
            assert_eq!(in_turns, in_order, "{length}");
        }
    }
}
