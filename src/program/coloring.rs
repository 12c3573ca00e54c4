//! A Hessian from few products: columns that do not disturb each other share one.
//!
//! A *star colouring* gives neighbours different colours - `i` and `j` are
//! neighbours where `H_ij` may differ from 0 - and every path of four vertices
//! three colours at least. Let `d_c` be the sum of the unit vectors of colour
//! `c`. Then `(H d_c)_i` is the sum of the `H_ij` over the neighbours `j` of `i`
//! with colour `c`; and for each entry, `i` has no second neighbour of the colour
//! of `j`, or `j` none of that of `i`: else `x - i - j - y` would have two
//! colours. So each entry can be read off one of the products.
//!
//! The colouring is greedy, vertices with many neighbours first, and a little
//! stricter: of two equally coloured neighbours of a vertex, that vertex has the
//! lower colour (T. Coleman, J. Moré, *Estimation of sparse Hessian matrices and
//! graph coloring problems*, 1984; A. Gebremedhin, F. Manne, A. Pothen, *What
//! color is your Jacobian?*, 2005). A tridiagonal Hessian takes three colours,
//! an arrowhead two.
//!
//! Two colours with `a` and `b` vertices have at most `a + b - 1` edges between
//! them, a star forest. So `c` colours on `n` vertices allow `(c - 1) (n - c / 2)`
//! edges, and a pattern with at least `(1 - φ²) n²` places needs more than
//! `(1 - φ) n` colours. Where that is nearly all, none are looked for.

use super::sparsity::Pattern;

/// An entry on or above the diagonal and where it is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) row: u32,
    pub(crate) column: u32,
    /// The element of the product that is the entry.
    pub(crate) source: u32,
}

/// A pattern, and what product shows which of its entries.
#[derive(Clone, Debug)]
pub(crate) struct HessianPlan {
    pattern: Pattern,
    /// None where every variable has a colour of its own: the products are the columns.
    shared: Option<Shared>,
}

/// The colour of each variable, and for each colour the entries its product shows.
#[derive(Clone, Debug)]
struct Shared {
    colors: Vec<u32>,
    entries: Vec<Vec<Entry>>,
}

impl Shared {
    /// Assigns each entry to a product; None if there are as many products as variables.
    fn new(pattern: &Pattern, colors: Vec<u32>) -> Option<Self> {
        let count = colors.iter().max().map_or(0, |&color| color as usize + 1);
        if count == pattern.rows() {
            return None;
        }
        let mut entries = vec![Vec::new(); count];
        // How many neighbours of a row have each colour, and what is read already.
        let (mut neighbors, mut is_read) = (vec![0u32; count], vec![false; pattern.len()]);
        for i in 0..pattern.rows() {
            for &j in pattern.row(i) {
                neighbors[colors[j as usize] as usize] += 1;
            }
            for &j in pattern.row(i) {
                let color = colors[j as usize] as usize;
                let (row, column) = ((i as u32).min(j), (i as u32).max(j));
                let place = pattern.position(row as usize, column as usize);
                let is_read = &mut is_read[place.expect("the pattern is symmetric")];
                if neighbors[color] == 1 && !*is_read {
                    *is_read = true;
                    entries[color].push(Entry { row, column, source: i as u32 });
                }
            }
            for &j in pattern.row(i) {
                neighbors[colors[j as usize] as usize] = 0;
            }
        }
        Some(Shared { colors, entries })
    }
}

impl HessianPlan {
    /// The plan for a symmetric pattern.
    pub(crate) fn new(pattern: Pattern) -> Self {
        let coloring = (!is_nearly_full(&pattern)).then(|| star_coloring(&pattern));
        let shared = coloring.and_then(|colors| Shared::new(&pattern, colors));
        HessianPlan { pattern, shared }
    }

    /// The pattern of the Hessian.
    #[cfg(any(test, feature = "sparse"))]
    pub(crate) fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// The number of colours.
    pub(crate) fn colors(&self) -> usize {
        self.shared.as_ref().map_or(self.pattern.rows(), |shared| shared.entries.len())
    }

    /// For each variable whether it has the colour.
    pub(crate) fn members(&self, color: usize) -> impl Iterator<Item = bool> {
        let color_of = |i: usize| self.shared.as_ref().map_or(i, |shared| shared.colors[i] as usize);
        (0..self.pattern.rows()).map(move |i| color_of(i) == color)
    }

    /// The entries to read off the product of a colour; each is read once.
    pub(crate) fn entries(&self, color: usize) -> impl Iterator<Item = Entry> {
        let (listed, column) = match &self.shared {
            Some(shared) => (&shared.entries[color][..], &[][..]),
            None => (&[][..], self.pattern.row(color)),
        };
        let upper = column.iter().take_while(move |&&row| row as usize <= color);
        let upper = upper.map(move |&row| Entry { row, column: color as u32, source: row });
        listed.iter().copied().chain(upper)
    }
}

/// Whether even the best colouring takes more than four fifths as many colours
/// as there are variables: `φ = 1/5` in the bound above.
fn is_nearly_full(pattern: &Pattern) -> bool {
    let n = pattern.rows();
    25 * pattern.len() >= 24 * n * n
}

/// The colour of each vertex of the graph of a symmetric pattern.
fn star_coloring(pattern: &Pattern) -> Vec<u32> {
    const NONE: u32 = u32::MAX;
    let n = pattern.rows();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(pattern.row(i).len()));
    let mut colors = vec![NONE; n];
    // The colours among the neighbours of each vertex that are lower than its own, or
    // all while it has none. Each comes once: a second neighbour may not take it.
    let mut seen: Vec<Vec<u32>> = vec![Vec::new(); n];
    // The vertex that last ruled a colour out.
    let mut ruled_out: Vec<usize> = Vec::new();
    for v in order {
        let neighbors = || pattern.row(v).iter().map(|&w| w as usize).filter(|&w| w != v);
        let mut rule_out = |color: u32| {
            ruled_out.resize(ruled_out.len().max(color as usize + 1), usize::MAX);
            ruled_out[color as usize] = v;
        };
        for w in neighbors() {
            if colors[w] != NONE {
                rule_out(colors[w]);
            }
            seen[w].iter().for_each(|&color| rule_out(color));
        }
        let free = ruled_out.iter().position(|&by| by != v).unwrap_or(ruled_out.len());
        colors[v] = free as u32;
        seen[v].retain(|&color| color < colors[v]);
        for w in neighbors().filter(|&w| colors[v] < colors[w]) {
            seen[w].push(colors[v]);
        }
    }
    colors
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the colouring has the property that makes every entry readable.
    fn is_star(pattern: &Pattern, colors: &[u32]) -> bool {
        let edges = |v: usize| pattern.row(v).iter().map(|&w| w as usize).filter(move |&w| w != v);
        (0..pattern.rows()).all(|b| {
            edges(b).all(|c| {
                let twin = |v: usize, w: usize| edges(v).any(|x| x != w && colors[x] == colors[w]);
                colors[b] != colors[c] && !(twin(b, c) && twin(c, b))
            })
        })
    }

    fn symmetric(n: usize, edges: impl Iterator<Item = (usize, usize)>) -> Pattern {
        let mut rows = vec![Vec::new(); n];
        for (i, j) in edges {
            rows[i].push(j as u32);
            rows[j].push(i as u32);
        }
        Pattern::new(n, rows)
    }

    fn colors(pattern: Pattern) -> usize {
        assert!(is_star(&pattern, &star_coloring(&pattern)));
        HessianPlan::new(pattern).colors()
    }

    #[test]
    fn known_graphs_take_few_colors() {
        assert_eq!(colors(symmetric(50, (0..50).map(|i| (i, i)))), 1, "diagonal");
        assert_eq!(colors(symmetric(50, (1..50).map(|i| (i - 1, i)))), 3, "tridiagonal");
        assert_eq!(colors(symmetric(50, (0..49).map(|i| (i, 49)))), 2, "arrowhead, hub last");
        assert_eq!(colors(symmetric(9, (0..9).flat_map(|i| (0..i).map(move |j| (i, j))))), 9, "dense");
        let band = symmetric(60, (0..60).flat_map(|i| (i..(i + 4).min(60)).map(move |j| (i, j))));
        assert!(colors(band) <= 8, "bandwidth 3");
        let hubs = symmetric(20, (0..10).flat_map(|i| (i..20).map(move |j| (i, j))));
        assert_eq!(colors(hubs), 11, "ten hubs: three quarters full, yet half the products");
        assert_eq!(colors(symmetric(0, std::iter::empty())), 0);
    }

    #[test]
    fn nearly_full_patterns_are_read_column_by_column_and_list_nothing() {
        // Of 1600 places, 64 may be missing; the first edges of variable 0 are.
        for (left_out, is_listed) in [(0, false), (1, false), (32, false), (33, true)] {
            let edges = (0..40).flat_map(|i| (0..=i).map(move |j| (i, j)));
            let edges = edges.filter(|&(i, j)| j > 0 || i == 0 || i > left_out);
            let plan = HessianPlan::new(symmetric(40, edges));
            assert_eq!(plan.shared.is_some(), is_listed, "{left_out} left out");
            let read: usize = (0..plan.colors()).map(|color| plan.entries(color).count()).sum();
            assert_eq!(read, 40 * 41 / 2 - left_out);
        }
    }

    #[test]
    fn random_graphs_are_star_colored_and_every_entry_is_read() {
        let mut state = 1u64;
        let mut next = |below: usize| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) as usize % below
        };
        for _ in 0..50 {
            let n = 1 + next(30);
            let edges: Vec<_> = (0..next(80)).map(|_| (next(n), next(n))).collect();
            let pattern = symmetric(n, edges.into_iter());
            assert!(is_star(&pattern, &star_coloring(&pattern)));
            let plan = HessianPlan::new(pattern);
            let read = (0..plan.colors()).flat_map(|color| plan.entries(color)).map(|e| (e.row, e.column));
            let read: Vec<_> = read.collect();
            assert!((1..read.len()).all(|i| !read[..i].contains(&read[i])), "an entry is read twice");
            let upper: usize =
                (0..n).map(|i| plan.pattern().row(i).iter().filter(|&&j| j as usize >= i).count()).sum();
            assert_eq!(read.len(), upper);
        }
    }
}
