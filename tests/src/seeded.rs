//! Random scenarios that are reproducible from their seeds: selects the seeds of a test and
//! distributes them over stacks.

/// The seeded scenarios of one test, and the environment variables that select them.
pub struct SeededScenarios {
    /// The variable with the only seed to run.
    pub seed_variable: &'static str,
    /// The variable with the number of scenarios.
    pub count_variable: &'static str,
    /// The number of scenarios if neither variable is set.
    pub default_count: u64,
    /// The maximum number of scenarios on a stack, so that its tables stay small.
    pub max_per_stack: u64,
    /// The number of stacks that run at the same time.
    pub stacks: usize,
}

impl SeededScenarios {
    /// Runs the scenarios. `on_a_stack` starts a stack and runs the scenarios of the given seeds.
    pub async fn run_on_stacks<F>(&self, on_a_stack: fn(Vec<u64>) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let number = |name| {
            let value: Option<String> = std::env::var(name).ok();
            value.map(|value| {
                let parsed = value.parse::<u64>();
                parsed.unwrap_or_else(|_| panic!("{name} must be a number, found {value:?}"))
            })
        };
        let seeds: Vec<u64> = match number(self.seed_variable) {
            Some(seed) => vec![seed],
            None => (0..number(self.count_variable).unwrap_or(self.default_count)).collect(),
        };
        let per_stack = (seeds.len() as u64)
            .div_ceil(self.stacks as u64)
            .clamp(1, self.max_per_stack);
        let mut batches: Vec<Vec<u64>> = seeds
            .chunks(usize::try_from(per_stack).expect("the batch size fits into usize"))
            .map(<[u64]>::to_vec)
            .collect();
        let (total, mut started) = (seeds.len(), 0);
        let mut running = tokio::task::JoinSet::new();
        while let Some(batch) = batches.pop() {
            if running.len() == self.stacks {
                let ended = running.join_next().await.expect("a batch is running");
                ended.expect("a scenario failed");
            }
            started += batch.len();
            // Progress, shown with --nocapture: thousands of scenarios take a while.
            eprintln!("started {started} of {total}");
            running.spawn(on_a_stack(batch));
        }
        while let Some(ended) = running.join_next().await {
            ended.expect("a scenario failed");
        }
    }
}
