use hallway_bus::conformance::{Setup, Subject};
use hallway_bus::{Lanes, memory};

async fn make(setup: Setup) -> Subject {
    let (lanes, receivers) = Lanes::new(setup.lanes, setup.lane_capacity);
    let (bus, told) = memory::connect(lanes);
    Subject {
        cluster: bus.clone(),
        revocations: bus.clone(),
        seats: bus.clone(),
        lobbies: bus.clone(),
        lobby_life: bus.clone(),
        leases: bus.clone(),
        presence: bus.clone(),
        journal: bus.clone(),
        bus,
        lanes: receivers,
        told,
        guard: Box::new(()),
    }
}

hallway_bus::conformance_tests!(make);
