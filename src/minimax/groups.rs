//! Sums of maxima: which component belongs to which maximum, and the smoothing of each.

/// Every component belongs to one group; the objective is the sum of the groups' maxima.
#[derive(Clone, Debug)]
pub(crate) struct Groups {
    id: Vec<usize>,
    size: Vec<usize>,
}

impl Groups {
    /// `id[i]` is the group of component `i`; ids need not be consecutive.
    pub(crate) fn new(id: &[usize]) -> Self {
        let mut names: Vec<usize> = id.to_vec();
        names.sort_unstable();
        names.dedup();
        let id: Vec<usize> =
            id.iter().map(|g| names.binary_search(g).expect("every id is among the names")).collect();
        let mut size = vec![0; names.len()];
        for &g in &id {
            size[g] += 1;
        }
        Groups { id, size }
    }

    /// The group of component `i`.
    pub(crate) fn of(&self, i: usize) -> usize {
        self.id[i]
    }

    pub(crate) fn count(&self) -> usize {
        self.size.len()
    }

    pub(crate) fn components(&self) -> usize {
        self.id.len()
    }

    /// The largest value of each group; NaN if the group holds a NaN.
    pub(crate) fn maxima(&self, values: &[f64]) -> Vec<f64> {
        let mut maxima = vec![f64::NEG_INFINITY; self.count()];
        for (&g, &v) in self.id.iter().zip(values) {
            if v > maxima[g] || v.is_nan() {
                maxima[g] = v;
            }
        }
        maxima
    }

    /// The objective: the sum of the groups' maxima.
    pub(crate) fn value(&self, values: &[f64]) -> f64 {
        self.maxima(values).iter().sum()
    }

    /// `max_i (max of its group - F_i)`, the spread of the components.
    pub(crate) fn spread(&self, values: &[f64]) -> f64 {
        let maxima = self.maxima(values);
        self.id.iter().zip(values).map(|(&g, v)| maxima[g] - v).fold(0.0, f64::max)
    }

    /// `sum_g (1/k) ln sum_{i in g} exp(k F_i)` and its weights, the softmax within each group.
    pub(crate) fn smooth(&self, values: &[f64], k: f64) -> (f64, Vec<f64>) {
        let maxima = self.maxima(values);
        let mut weights: Vec<f64> =
            self.id.iter().zip(values).map(|(&g, v)| (k * (v - maxima[g])).exp()).collect();
        let mut sum = vec![0.0; self.count()];
        for (&g, w) in self.id.iter().zip(&weights) {
            sum[g] += w;
        }
        for (&g, w) in self.id.iter().zip(&mut weights) {
            *w /= sum[g];
        }
        let value = maxima.iter().zip(&sum).map(|(m, s)| m + s.ln() / k).sum();
        (value, weights)
    }

    /// The weights of the exact maxima: equal shares for the components that attain them.
    pub(crate) fn attaining(&self, values: &[f64]) -> Vec<f64> {
        let maxima = self.maxima(values);
        let mut weights: Vec<f64> =
            self.id.iter().zip(values).map(|(&g, &v)| if v == maxima[g] { 1.0 } else { 0.0 }).collect();
        self.normalise(&mut weights);
        weights
    }

    /// Makes non-negative weights sum to one in each group (evenly where they are all zero).
    pub(crate) fn normalise(&self, weights: &mut [f64]) {
        let mut sum = vec![0.0; self.count()];
        for (&g, w) in self.id.iter().zip(weights.iter()) {
            sum[g] += w;
        }
        for (&g, w) in self.id.iter().zip(weights) {
            *w = if sum[g] > 0.0 { *w / sum[g] } else { 1.0 / self.size[g] as f64 };
        }
    }

    /// What the weights of each group lack of one.
    pub(crate) fn lacking(&self, weights: &[f64]) -> Vec<f64> {
        let mut lacking = vec![1.0; self.count()];
        for (&g, w) in self.id.iter().zip(weights) {
            lacking[g] -= w;
        }
        lacking
    }

    /// The bound on `smooth - value`, times `k`: `sum_g ln(size of g)`.
    pub(crate) fn log_sizes(&self) -> f64 {
        self.size.iter().map(|&s| (s as f64).ln()).sum()
    }

    /// The same grouping for the components in `indices` only. Every group must be among them.
    pub(crate) fn restrict(&self, indices: &[usize]) -> Groups {
        let mut size = vec![0; self.count()];
        for &i in indices {
            size[self.id[i]] += 1;
        }
        Groups { id: indices.iter().map(|&i| self.id[i]).collect(), size }
    }
}
