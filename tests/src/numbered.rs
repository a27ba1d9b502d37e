//! Random runs that their numbers make again: which of them a test is to do, and where.

/// Runs of one test, as the environment may change them.
pub struct Numbered {
    /// The variable that names one run to be done alone.
    pub one: &'static str,
    /// The variable that says how many are done.
    pub many: &'static str,
    /// How many are done unless it says so.
    pub short: u64,
    /// How many a stack has at most: tables stay small.
    pub of_a_stack: u64,
    /// Stacks at once.
    pub stacks: usize,
}

impl Numbered {
    /// Does the runs, some on each stack. `on_a_stack` starts one and does what it is given.
    pub async fn spread<F>(&self, on_a_stack: fn(Vec<u64>) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let number = |name| {
            let value: Option<String> = std::env::var(name).ok();
            value.map(|value| value.parse::<u64>().expect("a number"))
        };
        let numbers: Vec<u64> = match number(self.one) {
            Some(one) => vec![one],
            None => (0..number(self.many).unwrap_or(self.short)).collect(),
        };
        let share = (numbers.len() as u64)
            .div_ceil(self.stacks as u64)
            .clamp(1, self.of_a_stack);
        let mut shares: Vec<Vec<u64>> = numbers
            .chunks(usize::try_from(share).expect("few"))
            .map(<[u64]>::to_vec)
            .collect();
        let (all, mut begun) = (numbers.len(), 0);
        let mut running = tokio::task::JoinSet::new();
        while let Some(share) = shares.pop() {
            if running.len() == self.stacks {
                let ended = running.join_next().await.expect("one runs");
                ended.expect("it passes");
            }
            begun += share.len();
            // Seen with --nocapture: thousands take a while.
            eprintln!("{begun} of {all} begun");
            running.spawn(on_a_stack(share));
        }
        while let Some(ended) = running.join_next().await {
            ended.expect("it passes");
        }
    }
}
