//! Inverses modulo p in **constant time** by division steps (Bernstein and Yang, "Fast constant-time gcd computation and
//! modular inversion", TCHES 2019), in the variant with half a δ that needs 590 of them for 256 bits. They are done 59 at
//! a time on single words, as libsecp256k1 does, and take half as long as a power.

/// A number in five signed digits of 62 bits, the least significant first; all but the last are not negative.
type Long = [i64; 5];

const LOW: i64 = i64::MAX >> 1;
/// p
const MODULUS: Long = [-0x1_0000_03d1, 0, 0, 0, 256];

/// p⁻¹ modulo 2⁶²
const MODULUS_INVERSE: i64 = {
    let p = MODULUS[0] as u64;
    let (mut inverse, mut rounds) = (p, 0);
    // An odd number inverts itself to three bits, and each round doubles the bits.
    while rounds < 5 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(p.wrapping_mul(inverse)));
        rounds += 1;
    }
    inverse as i64 & LOW
};

/// What a number of steps does to (f, g), times 2⁶².
struct Matrix {
    u: i64,
    v: i64,
    q: i64,
    r: i64,
}

/// 59 steps on the lowest words of f and g.
fn steps(mut zeta: i64, f: &Long, g: &Long) -> (i64, Matrix) {
    // The entries start as 8, so that they come out times 2⁶².
    let (mut u, mut v, mut q, mut r) = (8i64, 0i64, 0i64, 8i64);
    let (mut f, mut g) = (f[0] | f[1] << 62, g[0] | g[1] << 62);
    for _ in 0..59 {
        let mut swap = core::hint::black_box(zeta >> 63);
        let odd = core::hint::black_box(-(g & 1));
        let turned = |value: i64| (value ^ swap).wrapping_sub(swap);
        let (x, y, z) = (turned(f), turned(u), turned(v));
        g = g.wrapping_add(x & odd);
        q = q.wrapping_add(y & odd);
        r = r.wrapping_add(z & odd);
        swap &= odd;
        zeta = (zeta ^ swap).wrapping_sub(1);
        f = f.wrapping_add(g & swap);
        u = u.wrapping_add(q & swap);
        v = v.wrapping_add(r & swap);
        g >>= 1;
        u = u.wrapping_shl(1);
        v = v.wrapping_shl(1);
    }
    (zeta, Matrix { u, v, q, r })
}

fn wide(a: i64, b: i64) -> i128 {
    i128::from(a) * i128::from(b)
}

/// (f, g) after the steps: divided by 2⁶², which leaves nothing over.
fn update(Matrix { u, v, q, r }: &Matrix, f: &mut Long, g: &mut Long) {
    let (mut next_f, mut next_g) = (0i128, 0i128);
    for at in 0..5 {
        next_f += wide(*u, f[at]) + wide(*v, g[at]);
        next_g += wide(*q, f[at]) + wide(*r, g[at]);
        if at > 0 {
            f[at - 1] = next_f as i64 & LOW;
            g[at - 1] = next_g as i64 & LOW;
        }
        next_f >>= 62;
        next_g >>= 62;
    }
    (f[4], g[4]) = (next_f as i64, next_g as i64);
}

/// The same for (d, e) modulo p, which stay between −2p and p.
fn update_modulo(Matrix { u, v, q, r }: &Matrix, d: &mut Long, e: &mut Long) {
    let (below_d, below_e) = (d[4] >> 63, e[4] >> 63);
    // Multiples of p: one for each factor of a negative number, and what makes the lowest 62 bits zero.
    let mut of_d = (u & below_d) + (v & below_e);
    let mut of_e = (q & below_d) + (r & below_e);
    let lowest = |a: &i64, b: &i64| a.wrapping_mul(d[0]).wrapping_add(b.wrapping_mul(e[0]));
    of_d -= MODULUS_INVERSE.wrapping_mul(lowest(u, v)).wrapping_add(of_d) & LOW;
    of_e -= MODULUS_INVERSE.wrapping_mul(lowest(q, r)).wrapping_add(of_e) & LOW;
    let (mut next_d, mut next_e) = (0i128, 0i128);
    for at in 0..5 {
        next_d += wide(*u, d[at]) + wide(*v, e[at]) + wide(MODULUS[at], of_d);
        next_e += wide(*q, d[at]) + wide(*r, e[at]) + wide(MODULUS[at], of_e);
        if at > 0 {
            d[at - 1] = next_d as i64 & LOW;
            e[at - 1] = next_e as i64 & LOW;
        }
        next_d >>= 62;
        next_e >>= 62;
    }
    (d[4], e[4]) = (next_d as i64, next_e as i64);
}

fn carried(mut number: Long) -> Long {
    for at in 0..4 {
        number[at + 1] += number[at] >> 62;
        number[at] &= LOW;
    }
    number
}

/// The number, p more if it is negative.
fn raised(number: Long) -> Long {
    let below = number[4] >> 63;
    carried(core::array::from_fn(|at| number[at] + (MODULUS[at] & below)))
}

/// The inverse of a number below p, in words, the least significant first; zero for zero.
pub(super) fn inverse([a, b, c, d]: [u64; 4]) -> [u64; 4] {
    let low = |word: u64| word as i64 & LOW;
    let mut g: Long =
        [low(a), low(a >> 62 | b << 2), low(b >> 60 | c << 4), low(c >> 58 | d << 6), (d >> 56) as i64];
    let mut f = MODULUS;
    let (mut d, mut e): (Long, Long) = ([0; 5], [1, 0, 0, 0, 0]);
    let mut zeta = -1;
    for _ in 0..10 {
        let matrix;
        (zeta, matrix) = steps(zeta, &f, &g);
        update_modulo(&matrix, &mut d, &mut e);
        update(&matrix, &mut f, &mut g);
    }
    // g is 0, f is 1 or −1, and d is the inverse with that sign.
    let sign = f[4] >> 63;
    let positive = raised(d).map(|digit| (digit ^ sign) - sign);
    let [a, b, c, d, e] = raised(carried(positive)).map(|digit| digit as u64);
    [a | b << 62, b >> 2 | c << 60, c >> 4 | d << 58, d >> 6 | e << 56]
}
