// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMemberRegistry} from "../members/IMemberRegistry.sol";
import {DelegationTest} from "./Delegation.t.sol";
import {IPasskeyVerifier} from "./IPasskeyVerifier.sol";
import {PatientRegistry} from "./PatientRegistry.sol";
import {PatientRegistryTest} from "./PatientRegistry.t.sol";
import {PatientRegistrySuccessor} from "./PatientRegistrySuccessor.sol";
import {PatientSignaturesTest} from "./PatientSignatures.t.sol";
import {RecoveryTest} from "./Recovery.t.sol";
import {RightsActor, RightsInvariantsTest} from "./RightsInvariants.t.sol";
import {WordsTest} from "./Words.t.sol";

// What holds for the registry holds for a successor: the patient's handle is bound at the predecessor, and all else that
// the tests of the registry do happens at the successor.

function following(
    IMemberRegistry members,
    IPasskeyVerifier passkeys,
    PatientRegistry registry
) returns (PatientRegistry) {
    return new PatientRegistrySuccessor(members, passkeys, registry);
}

contract PatientRegistryFollowingTest is PatientRegistryTest {
    function taken(PatientRegistry registry) internal override returns (PatientRegistry) {
        return following(members, passkeys, registry);
    }
}

contract PatientSignaturesFollowingTest is PatientSignaturesTest {
    function taken(PatientRegistry registry) internal override returns (PatientRegistry) {
        return following(members, passkeys, registry);
    }
}

contract DelegationFollowingTest is DelegationTest {
    function taken(PatientRegistry registry) internal override returns (PatientRegistry) {
        return following(members, passkeys, registry);
    }
}

contract RecoveryFollowingTest is RecoveryTest {
    function taken(PatientRegistry registry) internal override returns (PatientRegistry) {
        return following(members, passkeys, registry);
    }
}

contract WordsFollowingTest is WordsTest {
    function taken(PatientRegistry registry) internal override returns (PatientRegistry) {
        return following(members, passkeys, registry);
    }
}

contract RightsActorFollowing is RightsActor {
    function taken(PatientRegistry registry) internal override returns (PatientRegistry) {
        return following(members, passkeys, registry);
    }
}

contract RightsInvariantsFollowingTest is RightsInvariantsTest {
    function createActor() internal override returns (RightsActor) {
        return new RightsActorFollowing();
    }
}
